"""Which layers of a deep network a table shows: the ends, and those that stand out."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from dnncli.records import LayerRecord

MOST = 30  # layers that a table shows in full
ENDS = 3  # of a deeper network at least so many from either end
# Each figure's worst layer is shown: the least of these …
LEAST: tuple[Callable[[LayerRecord], float], ...] = (
    lambda layer: layer.delta_rms,
    lambda layer: layer.update_ratio,
)
# … and the most of those.
LARGEST: tuple[Callable[[LayerRecord], float], ...] = (
    lambda layer: layer.delta_rms,
    lambda layer: layer.update_ratio,
    lambda layer: layer.saturated_fraction,
    lambda layer: layer.dead_fraction,
)


def telling(layers: Sequence[LayerRecord], *, every: bool = False) -> list[int]:
    """Places of the first, the worst and the last layers; of all where they are few, or `every`."""
    count = len(layers)
    if every or count <= MOST:
        return list(range(count))
    trained = [place for place, layer in enumerate(layers) if not layer.frozen]
    chosen = {*range(ENDS), *range(count - ENDS, count)}
    hidden = trained[:-1]  # the output layer, which is shown anyway, is unlike the others
    if hidden:
        chosen |= {min(hidden, key=_ranked(layers, figure)) for figure in LEAST}
        chosen |= {max(hidden, key=_ranked(layers, figure)) for figure in LARGEST}
    return sorted(chosen)


def _ranked(
    layers: Sequence[LayerRecord], figure: Callable[[LayerRecord], float]
) -> Callable[[int], float]:
    """A layer's figure by its place; what is not a number is larger than any."""

    def rank(place: int) -> float:
        value = figure(layers[place])
        return math.inf if math.isnan(value) else value

    return rank


def gaps(places: Sequence[int]) -> Iterator[int]:
    """How many layers are left out after each one that is shown."""
    for place, following in pairwise(places):
        yield following - place - 1
    yield 0
