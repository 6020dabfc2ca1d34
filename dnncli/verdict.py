"""Rules that turn a run's figures into a verdict: what is wrong, in which layer, and what fixes it.

Rules look at ratios, never at absolute gradients, which move with the loss, the batch and the width.
Every threshold stands here with its reason.
"""

import math
from collections.abc import Iterator

from dnncli import catalog
from dnncli.records import Finding, Health, LayerRecord
from dnncli.spec import NetworkSpec

# Networks train to a depth of at most about 8.6 depth scales (Schoenholz et al. 2017 found 6 xi, with a
# band of 4.6 to 8.6); delta^2 shrinks by e^-1 a depth scale, so delta itself by e^-4.3 over that depth.
TRAINABLE_DECAY = math.exp(-8.6 / 2)
# A layer that lost half of its units has half its width; below that, dead units are common and harmless.
DEAD_SHARE = 0.5
# Where most of a bounded activation's units are flat, the layer passes less than half its gradient.
SATURATED_SHARE = 0.5
# A step of half an ulp or less leaves a float32 weight as it was.
LOST_UPDATE = 2.0**-24
# A step as large as the weights replaces what was learned; healthy steps are near a thousandth.
HUGE_UPDATE = 1.0


def delta_ratio(layers: tuple[LayerRecord, ...]) -> float:
    """delta_rms of hidden1 over that of the last hidden layer; nan where both are 0."""
    first, last = layers[0].delta_rms, layers[-2].delta_rms
    if last == 0:
        return math.nan if first == 0 else math.inf
    return first / last


def judge(spec: NetworkSpec, layers: tuple[LayerRecord, ...], crash: Finding | None = None) -> Health:
    """The verdict on an epoch's figures; `crash` is what broke where training diverged."""
    findings = (crash,) if crash else tuple(_findings(spec, layers))
    return Health(findings[0].rule if findings else "healthy", findings)


def _findings(spec: NetworkSpec, layers: tuple[LayerRecord, ...]) -> Iterator[Finding]:
    yield from _saturated(spec, layers)
    yield from _dead(spec, layers)
    yield from _flow(spec, layers)
    yield from _updates(layers)


def _saturated(spec: NetworkSpec, layers: tuple[LayerRecord, ...]) -> Iterator[Finding]:
    if not catalog.ACTIVATIONS[spec.act].bounded:
        return
    worst = max(layers[:-1], key=lambda layer: layer.saturated_fraction)
    if worst.saturated_fraction > SATURATED_SHARE:
        evidence = f"{worst.saturated_fraction:.0%} of its units are where {spec.act} is flat"
        yield Finding(
            "saturated", worst.layer, evidence, "start with smaller weights (--init xavier), or add --bn"
        )


def _dead(spec: NetworkSpec, layers: tuple[LayerRecord, ...]) -> Iterator[Finding]:
    worst = max(layers[:-1], key=lambda layer: layer.dead_fraction)
    if worst.dead_fraction > DEAD_SHARE:
        evidence = f"{worst.dead_fraction:.0%} of its units had no gradient on any example of the epoch"
        yield Finding(
            "dead",
            worst.layer,
            evidence,
            "lower --lr, or use --act leaky-relu or elu, whose units cannot die",
        )


def _flow(spec: NetworkSpec, layers: tuple[LayerRecord, ...]) -> Iterator[Finding]:
    ratio = delta_ratio(layers)
    evidence = f"delta shrinks to {ratio:.1e} of the last hidden layer's on the way down"
    if ratio < TRAINABLE_DECAY or math.isnan(ratio):
        yield Finding(
            "vanishing", layers[0].layer, evidence, "use --act relu or elu with --init auto, or add --bn"
        )
    elif ratio > 1 / TRAINABLE_DECAY:
        evidence = evidence.replace("shrinks", "grows").replace("of the", "times the")
        yield Finding(
            "exploding", layers[0].layer, evidence, "use --init auto, add --bn, or --clip-global-norm 1"
        )


def _updates(layers: tuple[LayerRecord, ...]) -> Iterator[Finding]:
    largest = max(layers, key=lambda layer: layer.update_ratio)
    if largest.update_ratio > HUGE_UPDATE:
        evidence = f"a step is {largest.update_ratio:.1e} times as large as its weights"
        yield Finding("exploding", largest.layer, evidence, "lower --lr, or add --clip-global-norm 1")
    smallest = min(layers, key=lambda layer: layer.update_ratio)
    if smallest.update_ratio < LOST_UPDATE:
        evidence = f"a step is {smallest.update_ratio:.1e} of its weights, lost in float32's rounding"
        yield Finding(
            "frozen", smallest.layer, evidence, "the gradient does not reach it: see the delta column"
        )
