"""The first step, before any update: held against theory, and as the cause of a later crash."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dnncli.diagnosis.context import NetworkContext, delta_ratio
from dnncli.diagnosis.flow import LOOK_AT_INPUTS, flow, overflow
from dnncli.errors import SpecError
from dnncli.records import Finding, LayerRecord

# How far outside its 95 % band a measured delta ratio must be: real inputs are neither Gaussian nor
# independent, which costs up to a factor of 3.
OUTSIDE_BAND = 3.0


def deviation_from_theory(
    context: NetworkContext, initial: Sequence[LayerRecord]
) -> Iterator[Finding]:
    """Theory and measurement far apart before the first step: bad scaling, or a bug."""
    try:
        prediction = context.predict()
    except SpecError:
        return
    first = initial[0].layer
    if prediction.reason:
        yield Finding("unpredicted", first, prediction.reason, LOOK_AT_INPUTS)
        return
    ratio = delta_ratio(initial)
    # A note is theory's own reservation: batch norm, or a variance that is unstable at these
    # widths.
    reserved = prediction.band is None or prediction.float32 or prediction.note
    if reserved or not 0 < ratio < math.inf:
        return
    assert prediction.band is not None
    low = prediction.band[0] / OUTSIDE_BAND
    high = prediction.band[1] * OUTSIDE_BAND
    if not low <= ratio <= high:
        predicted = f"where theory has {prediction.delta_ratio:.1e}"
        evidence = f"δ ratio {ratio:.1e} at the first step, {predicted}"
        yield Finding("unpredicted", first, evidence, LOOK_AT_INPUTS)


def attribute_divergence(
    context: NetworkContext, crash: Finding, initial: Sequence[LayerRecord]
) -> Finding:
    """What broke, with the remedy for gradients that exploded before any update, where they did."""
    exploding = _exploding(context, initial)
    if exploding is None:
        return crash
    evidence = f"{crash.evidence}; before any update {exploding.evidence}"
    return replace(
        crash,
        evidence=evidence,
        advice=exploding.advice,
        remedy=exploding.remedy,
        alternatives=exploding.alternatives,
    )


def _exploding(context: NetworkContext, initial: Sequence[LayerRecord]) -> Finding | None:
    """What exploded before the first update; None where nothing did."""
    overflowed = overflow(context, initial)
    if overflowed or len(initial) < 2:
        return overflowed
    found = flow(context, initial)
    return next((finding for finding in found if finding.rule == "exploding"), None)
