"""How numbers are written and drawn in a row of text."""

import math
from collections.abc import Sequence
from typing import Any

from rich import box

TABLE: dict[str, Any] = {  # how a table of numbers looks
    "title_justify": "left",
    "title_style": "bold",
    "box": box.SIMPLE_HEAD,
    "pad_edge": False,
    "padding": (0, 1, 0, 0),
}
BLOCKS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"


def scientific(value: float) -> str:
    """Two significant digits and a power of ten, in eight characters at most."""
    return f"{value:.1e}" if math.isfinite(value) else str(value)


def plain(value: float) -> str:
    """Two decimals for numbers of ordinary size, a power of ten for others."""
    return f"{value:.2f}" if 0.005 <= abs(value) < 1000 or value == 0 else scientific(value)


def loss(value: float) -> str:
    """Four decimals while they say something."""
    return f"{value:.4f}" if abs(value) < 1e4 else scientific(value)


def power(exponent: int) -> str:
    """A power of ten: 10⁻³."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent(share: float) -> str:
    """A share as a percentage: without decimals where it is exact or large."""
    if not math.isfinite(share):
        return str(share)
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) or share >= 0.1 else f"{100 * share:.1f} %"


def seconds(value: float | None) -> str:
    """A duration at a precision people can use."""
    if value is None:
        return ""
    if value < 0.0995:
        return f"{1000 * value:.0f} ms"
    return f"{value:.1f} s" if value < 99.5 else f"{value / 60:.1f} min"


def span(low: float, high: float) -> str:
    """A range of depths: `1.6-3`, `198-370`, or any."""
    if low > 1000:
        return "any"
    return "-".join(f"{depth:.2g}" if depth < 10 else f"{depth:.0f}" for depth in (low, high))


def count(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}"


def bar(fraction: float, width: int) -> str:
    """A horizontal bar of eighths of a cell, filling `fraction` of `width` cells."""
    eighths = round(8 * width * min(max(fraction, 0.0), 1.0))
    full, rest = divmod(eighths, 8)
    return "█" * full + (BLOCKS[rest] if rest else "")


def logarithmic(value: float, lowest: float, highest: float) -> float:
    """Where log10 of a value lies between two decades, from 0 to 1; nothing drawn for 0 or NaN."""
    if not value > 0:
        return 0.0
    if math.isinf(value):
        return 1.0
    return (math.log10(value) - lowest) / (highest - lowest)


def sparkline(fractions: Sequence[float]) -> str:
    """One column a value, from the lowest for 0 to the full height for 1."""
    return "".join(HEIGHTS[round(7 * min(max(fraction, 0.0), 1.0))] for fraction in fractions)


def whiskers(low: float, middle: float, high: float, width: int) -> str:
    """An interval with a dot in the middle; places are shares of `width`, and beyond the ends it is cut."""
    first, dot, last = (round((width - 1) * min(max(x, 0.0), 1.0)) for x in (low, middle, high))
    cells = [" "] * width
    cells[first : last + 1] = "─" * (last + 1 - first)
    cells[dot] = "●"
    return "".join(cells)


def p_value(p: float | None) -> str:
    """Three decimals; a dash where no test was made."""
    if p is None:
        return "-"
    return "<0.001" if p < 0.0005 else f"{p:.3f}"
