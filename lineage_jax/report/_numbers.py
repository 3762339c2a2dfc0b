"""Numbers as people read them."""

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

LEAST = 1e-300
"""P-values from this one down are no longer told apart."""

NONE = "–"
"""What stands where there is no number."""


def format_p(p: float) -> str:
    """Writes a p-value.

    Examples:
        >>> format_p(0.43), format_p(0.0035), format_p(0.000021), format_p(1e-300), format_p(0.0), format_p(math.nan)
        ('0.430', '0.0035', '2.1×10⁻⁵', '≤ 10⁻³⁰⁰', '≤ 10⁻³⁰⁰', '–')
    """
    if math.isnan(p):
        return NONE
    if p <= LEAST:
        return f"≤ {power(-300)}"
    if p >= 0.001:
        return f"{p:.{3 if p >= 0.01 else 4}f}"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa}×{power(int(exponent))}"


def equation(p: float) -> str:
    """Writes what a p-value is, for a sentence.

    Examples:
        >>> equation(0.43), equation(1e-300)
        ('p = 0.430', 'p ≤ 10⁻³⁰⁰')
    """
    text = format_p(p)
    return f"p {text}" if text.startswith("≤") else f"p = {text}"


def power(exponent: int) -> str:
    """Writes a power of ten.

    Examples:
        >>> power(-17)
        '10⁻¹⁷'
    """
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def format_number(number: float | None, digits: int = 3) -> str:
    """Writes a number, or that there is none.

    Examples:
        >>> format_number(-0.12345), format_number(None), format_number(math.nan)
        ('−0.123', '–', '–')
    """
    return NONE if number is None or math.isnan(number) else f"{number:,.{digits}f}".replace("-", "−")


def format_share(share: float) -> str:
    """Writes a share so that 100% is all and 0% is nothing.

    Examples:
        >>> format_share(1.0), format_share(0.999), format_share(0.001), format_share(0.0), format_share(0.42)
        ('100%', '99%', '1%', '0%', '42%')
    """
    per_cent = 100 * share
    return f"{math.ceil(per_cent) if per_cent < 1 else math.floor(per_cent + 1e-9)}%"
