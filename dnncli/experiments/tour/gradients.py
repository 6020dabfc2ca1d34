"""Stations about gradients before the first step, and what becomes of them."""

import math
from collections.abc import Iterator, Sequence

from dnncli.experiments.tour import layer_sizes
from dnncli.experiments.tour.figures import (
    DECADE,
    accuracy,
    baseline,
    delta_ratio,
    first_step,
    known,
    last_epoch,
    learns,
    of_kind,
    size,
)
from dnncli.records import (
    CaseRecord,
    DemoRecord,
    DepthRecord,
    InspectRecord,
    LayerRecord,
    TrainRecord,
)
from dnncli.records.observations.gradients import (
    BothWays,
    ClippingSaves,
    GradientExplodes,
    GradientShrinks,
    InitialisationSaves,
    RunBreaks,
    StaysFlat,
    UnitsAreFlat,
    VarianceAsPublished,
    WithinBound,
)
from dnncli.records.tour import Observation

FLAT = 0.1  # a share of flat outputs that counts
CLOSE = 0.05  # a relative deviation of variances that does not


def vanishing(records: Sequence[object]) -> Iterator[Observation]:
    """One case of sigmoid layers."""
    demo = of_kind(DemoRecord, records[0])
    case = demo.cases[0]
    yield from _within_bound(case.layers[:-1])
    per_layer = _per_layer(case.delta_ratio, case.depth)
    predicted = _per_layer(known(case.predicted_delta_ratio), case.depth)
    shrinks = case.delta_ratio < 1 / DECADE
    yield GradientShrinks(shrinks, case.depth, case.delta_ratio, per_layer, predicted)


def _within_bound(layers: Sequence[DepthRecord]) -> Iterator[WithinBound]:
    """Hidden layers that have a bound."""
    bounded = [(layer, layer.bound) for layer in layers if layer.bound]
    if not bounded:
        return
    nearest, bound = max(bounded, key=lambda pair: pair[0].delta_rms / pair[1])
    within = nearest.delta_rms <= bound
    yield WithinBound(within, nearest.layer, nearest.delta_rms, bound)


def _per_layer(ratio: float, depth: int) -> float:
    """The geometric mean of the factors of all steps between hidden layers."""
    return ratio ** (1 / max(depth - 1, 1)) if ratio >= 0 else math.nan


def saturation(records: Sequence[object]) -> Iterator[Observation]:
    """One run from normal weights."""
    run = of_kind(TrainRecord, records[0])
    start = first_step(run)[:-1]
    flattest = max(start, key=lambda layer: layer.saturated_fraction)
    share = flattest.saturated_fraction
    yield UnitsAreFlat(
        share > FLAT, flattest.layer, share, flattest.activation_mean, flattest.activation_std
    )
    end = _called(flattest.layer, last_epoch(run).layers)
    after = end.saturated_fraction
    yield StaysFlat(after >= share / 2, flattest.layer, share, after, len(run.epochs))


def _called(name: str, layers: Sequence[LayerRecord]) -> LayerRecord:
    return next(layer for layer in layers if layer.layer == name)


def exploding(records: Sequence[object]) -> Iterator[Observation]:
    """A run, its last steps, the same run clipped, and from He's initialisation."""
    wild = of_kind(TrainRecord, records[0])
    stored = of_kind(InspectRecord, records[1])
    clipped = of_kind(TrainRecord, records[2])
    mended = of_kind(TrainRecord, records[3])
    ratio = delta_ratio(first_step(clipped))
    yield GradientExplodes(ratio > DECADE, len(clipped.initial) - 1, ratio)
    yield _breaks(wild, stored)
    yield clipping_saves(clipped)
    yield InitialisationSaves(
        learns(mended),
        init=mended.config["init"],
        ratio=delta_ratio(first_step(mended)),
        accuracy=accuracy(mended)[0],
        baseline=baseline(mended),
    )


def _breaks(run: TrainRecord, stored: InspectRecord) -> RunBreaks:
    """The step and the layer where a run broke."""
    measured, _, _ = accuracy(run)
    if run.stopped != "diverged":
        return RunBreaks(False, len(run.epochs), 0, "", measured)
    layer = run.health.divergence().layer or ""
    last = stored.steps[-1]
    return RunBreaks(True, last.epoch, last.step, layer, measured)


def clipping_saves(run: TrainRecord) -> ClippingSaves:
    """What a run with clipped gradients has come to."""
    options = ("clip_value", "clip_norm", "clip_global_norm")
    name = next(name for name in options if run.config[name] is not None)
    shares = [epoch.clipped_fraction for epoch in run.epochs]
    return ClippingSaves(
        learns(run),
        option=f"--{name.replace('_', '-')} {run.config[name]:g}",
        clipped=sum(shares) / len(shares),
        accuracy=accuracy(run)[0],
        baseline=baseline(run),
    )


def initialisation(records: Sequence[object]) -> Iterator[Observation]:
    """Xavier's and He's initialisers, one that does not fit, and layers of unequal sizes."""
    demo = of_kind(DemoRecord, records[0])
    sizes = (demo.data.features, int(demo.config["width"]))
    variances = [_variance(case, *sizes) for case in demo.cases]
    yield max(variances, key=lambda found: abs(found.variance / found.formula - 1))
    for case in demo.cases:
        yield _both_ways(case)
    yield from layer_sizes.xavier(of_kind(TrainRecord, records[1]))
    yield from layer_sizes.he(of_kind(TrainRecord, records[2]))


def _variance(case: CaseRecord, fan_in: int, fan_out: int) -> VarianceAsPublished:
    """The variance of hidden1's weights, whose mean is 0, beside the published formula."""
    variance = case.layers[0].weight_norm ** 2 / (fan_in * fan_out)
    formula = layer_sizes.published(case.init, fan_in, fan_out)
    close = abs(variance / formula - 1) < CLOSE
    return VarianceAsPublished(close, case.init, fan_in, fan_out, variance, formula)


def _both_ways(case: CaseRecord) -> BothWays:
    """How much of the outputs' root mean square reaches the top, and of the gradient the bottom."""
    *hidden, _ = case.layers
    forward = size(hidden[-1]) / size(hidden[0])
    level = _level(forward) and _level(case.delta_ratio)
    return BothWays(level, case.short, case.depth, forward, case.delta_ratio)


def _level(ratio: float) -> bool:
    return 1 / DECADE < ratio < DECADE
