"""Numbers with their units, for people."""

from __future__ import annotations

NONE = "no data"


def quantity(value: float | None, unit: str) -> str:
    """`value` in `unit` with three significant digits: ratios as per cent, seconds below 1 as milliseconds."""
    if value is None:
        return NONE
    if unit == "ratio":
        return f"{_floored(100 * value)}%"
    if unit == "s":
        return f"{1000 * value:.3g} ms" if 0 < abs(value) < 0.9995 else f"{_digits(value)} s"
    return f"{_digits(value)} {unit}".strip()


def _floored(percent: float) -> str:
    # 99.97% must not read as 100%: two digits where it is close, and never rounded up to a whole.
    if 99 < percent < 100:
        return f"{min(percent, 99.99):.2f}"
    return f"{percent:.1f}".removesuffix(".0")


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
