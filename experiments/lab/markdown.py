"""Tables as Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Formats a table.

    Examples:
        >>> print(table(["measure", "named"], [["l1", 99]]))
        | measure | named |
        |---|---|
        | l1 | 99 |
    """
    lines = [line(head), "|---" * len(head) + "|", *map(line, rows)]
    return "\n".join(lines)


def line(cells: Sequence[object]) -> str:
    """Formats one row."""
    return f"| {' | '.join(map(str, cells))} |"


def percent(share: float) -> str:
    """Formats a share of one.

    Examples:
        >>> percent(0.994)
        '99'
    """
    return f"{100 * share:.0f}"


def arrows(shares: Iterable[float]) -> str:
    """Formats shares one after the other.

    Examples:
        >>> arrows([0.5, 1])
        '50 → 100'
    """
    return " → ".join(map(percent, shares))
