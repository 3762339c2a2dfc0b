"""Several claims at once: p-values that keep their meaning although there are many of them."""

from collections.abc import Mapping


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Adjusts p-values for their number, so that those below a level hold all at once at that level.

    Whatever depends on whatever: the chance that any true null falls below the level is at most the level.

    Args:
        p: p-values by name, such as those of candidates.

    Returns:
        Adjusted p-values by name, in the same order.

    Raises:
        ValueError: If a p-value is not between 0 and 1.

    References:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Examples:
        >>> holm({"a": 0.01, "b": 0.5, "c": 0.02})
        {'a': 0.03, 'b': 0.5, 'c': 0.04}
    """
    for name, value in p.items():
        if not 0 <= value <= 1:
            raise ValueError(f"expected p-values between 0 and 1, got {value} for '{name}'")
    adjusted: dict[str, float] = {}
    least = 0.0
    for taken, name in enumerate(sorted(p, key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - taken) * p[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p}
