"""The steps: as large as the weights, or so small that they are lost."""

import math
from collections.abc import Iterator, Sequence

from dnncli.records import Finding, LayerRecord

# A step of half an ulp or less leaves a float32 weight as it was.
LOST_UPDATE = 2.0**-24
# A step as large as the weights replaces what was learned; healthy steps are near a thousandth.
HUGE_UPDATE = 1.0


def updates(layers: Sequence[LayerRecord], left: float = 1.0) -> Iterator[Finding]:
    """Steps that replace weights, or that leave one layer as it is while others move.

    left: the share of the first step that a schedule and a smaller error leave. What that makes
    small is not lost: it is the end of training.
    """
    known = [layer for layer in layers if math.isfinite(layer.update_ratio)]
    if not known:
        return
    largest = max(known, key=lambda layer: layer.update_ratio)
    smallest = min(known, key=lambda layer: layer.update_ratio)
    if largest.update_ratio > HUGE_UPDATE:
        evidence = f"a step is {largest.update_ratio:.1e} times as large as its weights"
        advice = "lower --lr, or add --clip-global-norm 1"
        yield Finding("exploding", largest.layer, evidence, advice)
    # Where no layer moves any more, training is over rather than stuck.
    lost = LOST_UPDATE * left
    if smallest.update_ratio < lost < largest.update_ratio:
        step = f"a step is {smallest.update_ratio:.1e} of its weights"
        evidence = f"{step}, lost in float32's rounding"
        advice = "raise --lr, once nothing else is advised"
        yield Finding("stalled", smallest.layer, evidence, advice)
