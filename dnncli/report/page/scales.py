"""Axes of pictures: where a value is drawn, and which values are marked."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dnncli.report import text

TICKS = 7  # marks on an axis at most
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # from one mark to the next, times a power of ten
DECADES = 2.0  # below so many 2 and 5 are marked besides powers of ten
SHARE = 1e-3  # of its values' size that an axis spans at least
MARGIN = 0.04  # of an axis, beyond the first and the last value


@dataclass(frozen=True)
class Scale:
    """Values from low to high between the places start and end, in units of the picture."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float | None) -> float | None:
        """Where a value is drawn; None where it has no place on the axis."""
        if value is None or not math.isfinite(value) or (self.logarithmic and value <= 0):
            return None
        share = (self._length(value) - self._length(self.low)) / self._span()
        return self.start + (self.end - self.start) * share

    def ticks(self) -> list[float]:
        """The values that are marked."""
        if not self.logarithmic:
            return _linear(self.low, self.high)
        found = _decades(self.low, self.high)
        return found if len(found) > 1 else _linear(self.low, self.high)

    def _length(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def _span(self) -> float:
        return (self._length(self.high) - self._length(self.low)) or 1.0


def fitted(
    values: Iterable[float | None],
    start: float,
    end: float,
    *,
    logarithmic: bool = False,
    least: float = 0.0,
) -> Scale:
    """A scale that all values fit on, with a margin; least: what it spans at least."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if logarithmic:
        known = [value for value in known if value > 0]
        return _logarithmic(known, start, end)
    low = min(known, default=0.0)
    high = max(known, default=1.0)
    wanted = max(least, SHARE * abs(high), SHARE**2)
    missing = max(0.0, wanted - (high - low)) / 2
    margin = MARGIN * (high - low + 2 * missing)
    return Scale(low - missing - margin, high + missing + margin, start, end)


def _logarithmic(known: list[float], start: float, end: float) -> Scale:
    """A logarithmic scale of at least a third of a decade."""
    low = math.log10(min(known, default=0.1))
    high = math.log10(max(known, default=1.0))
    missing = max(0.0, 0.33 - (high - low)) / 2
    margin = MARGIN * (high - low + 2 * missing)
    ends = (10 ** (low - missing - margin), 10 ** (high + missing + margin))
    return Scale(*ends, start, end, logarithmic=True)


def _linear(low: float, high: float) -> list[float]:
    """Round numbers, as many as there is room for."""
    rough = (high - low) / (TICKS - 1)
    if not rough > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((one * power for one in STEPS if one * power >= rough * 0.999), 10 * power)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, every so many of them; over a short range 2 and 5 too."""
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    factors = (1.0, 2.0, 5.0) if math.log10(high / low) < DECADES else (1.0,)
    every = max(1, math.ceil((last - first) / TICKS))
    powers = [power for power in range(first, last + 1) if power % every == 0]
    values = [factor * 10.0**power for power in powers for factor in factors]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def label(value: float, *, logarithmic: bool = False) -> str:
    """A mark's number: plain where it is short, else a power of ten."""
    if logarithmic and not 1e-3 <= value < 1e4:
        power = math.floor(math.log10(value) + 1e-9)
        factor = round(value / 10.0**power)
        times = "" if factor == 1 else f"{factor}·"
        return f"{times}{text.power(power)}"
    shown = f"{value:.6g}"
    return shown.replace("-", "−") if "e" not in shown else text.scientific(value)
