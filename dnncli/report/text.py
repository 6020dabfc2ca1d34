"""How numbers, sizes and curves are written and drawn in a row of text, and how tables look."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich import box

from dnncli.records import DataRecord
from dnncli.spec import ScheduleSpec

# How a table of numbers looks, and one without lines.
TABLE: dict[str, Any] = {
    "title_justify": "left",
    "title_style": "bold",
    "box": box.SIMPLE_HEAD,
    "pad_edge": False,
    "padding": (0, 1, 0, 0),
}
PLAIN_TABLE: dict[str, Any] = TABLE | {"box": None}
BLOCKS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"


def rows(names: Sequence[str], records: Iterable[object]) -> list[list[object]]:
    """Records for CSV: a header of their fields' names, and a row a record."""
    return [list(names), *(_fields(names, record) for record in records)]


def _fields(names: Sequence[str], record: object) -> list[object]:
    return [getattr(record, name) for name in names]


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
    whole = share in (0.0, 1.0) or share >= 0.1
    return f"{100 * share:.0f} %" if whole else f"{100 * share:.1f} %"


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
    return f"{_depth(low)}-{_depth(high)}"


def _depth(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def count(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}"


def splits(data: DataRecord) -> tuple[str, str, str]:
    """How many examples train, validate and test."""
    return count(data.train), count(data.validation), count(data.test)


def batches(config: Mapping[str, Any], data: DataRecord) -> str:
    """How many examples a step has."""
    return f"batches of {ScheduleSpec(batch_size=config['batch_size']).batch(data.train)}"


def sizes(layers: Sequence[int]) -> Iterator[str]:
    """Layer sizes from the input up, neighbours of one size as 20×100."""
    for size, run in groupby(layers):
        length = len(list(run))
        many = f"{length}×" if length > 1 else ""
        yield f"{many}{size}"


def layer_range(names: Sequence[str]) -> str:
    """Layers' names, three neighbours or more together: hidden1–hidden14; `nothing` for none."""
    numbers = [name.removeprefix("hidden") for name in names]
    hidden = [int(number) for number in numbers if number.isdecimal()]
    if len(hidden) > 2 and hidden == list(range(hidden[0], hidden[0] + len(names))):
        return f"{names[0]}–{names[-1]}"
    return ", ".join(names) or "nothing"


def bar(fraction: float, width: int) -> str:
    """A horizontal bar of eighths of a cell, filling `fraction` of `width` cells."""
    eighths = round(8 * width * min(max(fraction, 0.0), 1.0))
    full, rest = divmod(eighths, 8)
    return "█" * full + BLOCKS[rest].strip()


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


def resample(values: Sequence[float], cells: int) -> list[float]:
    """At most so many values of a curve, evenly spread from its first to its last."""
    if len(values) <= cells:
        return list(values)
    step = (len(values) - 1) / max(cells - 1, 1)
    return [values[round(cell * step)] for cell in range(cells)]


def normalised(values: Sequence[float], low: float, high: float) -> list[float]:
    """A curve with 0 for the lowest and 1 for the highest value; of one value: zeros."""
    width = (high - low) or 1.0
    return [(value - low) / width for value in values]


def whiskers(low: float, middle: float, high: float, width: int) -> str:
    """An interval with a dot in it; `low`, `middle` and `high` are shares of `width`, cut to it."""
    first = _cell(low, width)
    dot = _cell(middle, width)
    last = _cell(high, width)
    cells = [" "] * width
    cells[first : last + 1] = "─" * (last + 1 - first)
    cells[dot] = "●"
    return "".join(cells)


def _cell(share: float, width: int) -> int:
    return round((width - 1) * min(max(share, 0.0), 1.0))


def p_value(p: float | None) -> str:
    """Three decimals; a dash where no test was made."""
    if p is None:
        return "-"
    return "<0.001" if p < 0.0005 else f"{p:.3f}"
