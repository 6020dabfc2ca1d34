"""Scales of colours for heat maps, told apart by everybody and in both themes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

NOTHING = "#9aa0a6"  # where there is no value
# Matplotlib's viridis (van der Walt & Smith 2015) at nine even places, dark for the lowest.
VIRIDIS = (
    "#440154",
    "#472d7b",
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)


@dataclass(frozen=True)
class Colours:
    """Anchors at even places from low to high; wide: what they span at least."""

    anchors: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0
    wide: float = 1.0

    def fitted(self, values: Iterable[float | None]) -> "Colours":
        """The scale from the least to the greatest of some values."""
        known = [value for value in values if value is not None]
        low = min(known, default=0.0)
        high = max(known, default=1.0)
        missing = max(0.0, self.wide - (high - low)) / 2
        return replace(self, low=low - missing, high=high + missing)

    def colour(self, value: float | None) -> str:
        """The colour of a value; grey for none."""
        if value is None or not math.isfinite(value):
            return NOTHING
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return self._at(share)

    def steps(self, count: int) -> Iterator[str]:
        """So many colours from the lowest to the highest."""
        for place in range(count):
            yield self._at(place / (count - 1))

    def _at(self, share: float) -> str:
        """The colour between its two anchors."""
        place = share * (len(self.anchors) - 1)
        index = min(int(place), len(self.anchors) - 2)
        pairs = zip(_parts(self.anchors[index]), _parts(self.anchors[index + 1]), strict=True)
        mixed = [round(a + (b - a) * (place - index)) for a, b in pairs]
        return "#" + "".join(f"{part:02x}" for part in mixed)


def _parts(colour: str) -> list[int]:
    """Red, green and blue from 0 to 255."""
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


SEQUENTIAL = Colours(VIRIDIS)
