"""Stations about batch normalisation: gradients, rates and the loss with it, and its averages."""

import math
from collections.abc import Iterator, Sequence

from dnncli.experiments.tour.figures import (
    accuracy,
    away,
    baseline,
    delta_ratio,
    first_step,
    known,
    last_epoch,
    learns,
    of_kind,
)
from dnncli.records import EvalRecord, NormMismatch, TrainRecord
from dnncli.records.observations.training import (
    LargerRate,
    LastBatchCounts,
    LevelAfterSteps,
    MeansAgree,
    NormLearns,
    NormLevels,
    PriceOfVariance,
    SmootherLoss,
    TrainingLevels,
    VarianceOff,
)
from dnncli.records.tour import Observation

AGREE = 0.05  # standard deviations between means that agree
OFF = 0.02  # of a ratio of variances from 1, that counts


def batch_norm(records: Sequence[object]) -> Iterator[Observation]:
    """Pairs of runs without batch norm and with it, and a deep one after its first steps."""
    plain = of_kind(TrainRecord, records[0])
    normed = of_kind(TrainRecord, records[1])
    yield from _levels(plain, normed)
    yield _after_steps(of_kind(TrainRecord, records[2]), of_kind(EvalRecord, records[3]))
    yield _learns(plain, normed)
    yield _larger_rate(of_kind(TrainRecord, records[4]), of_kind(TrainRecord, records[5]))
    ahead = [of_kind(EvalRecord, record) for record in records[8:10]]
    yield _smoother(of_kind(TrainRecord, records[6]), *ahead)


def _levels(plain: TrainRecord, normed: TrainRecord) -> Iterator[Observation]:
    """The gradient's ratio at the first step, and after training."""
    without = delta_ratio(first_step(plain))
    before = delta_ratio(first_step(normed))
    depth = len(plain.config["hidden"])
    yield NormLevels(away(before) < away(without), depth, without, before)
    after = delta_ratio(last_epoch(normed).layers)
    yield TrainingLevels(away(after) < away(before), before, after, len(normed.epochs))


def _after_steps(run: TrainRecord, stored: EvalRecord) -> LevelAfterSteps:
    """The gradient's ratio before a run's first step, and after its only epoch."""
    assert stored.layers is not None
    before = delta_ratio(first_step(run))
    after = delta_ratio(stored.layers)
    steps = math.ceil(run.data.train / run.config["batch_size"])
    return LevelAfterSteps(
        away(after) < away(before), len(run.config["hidden"]), before, after, steps
    )


def _learns(plain: TrainRecord, normed: TrainRecord) -> NormLearns:
    """Test accuracies with their intervals."""
    lower, _, lower_end = accuracy(plain)
    higher, higher_start, _ = accuracy(normed)
    clear = higher_start > lower_end
    return NormLearns(clear, len(normed.epochs), lower, lower_end, higher, higher_start)


def _larger_rate(plain: TrainRecord, normed: TrainRecord) -> LargerRate:
    """What becomes of a large rate."""
    lower, _, lower_end = accuracy(plain)
    higher, higher_start, _ = accuracy(normed)
    fails = not learns(plain) or lower_end < higher_start
    return LargerRate(
        learns(normed) and fails,
        rate=float(plain.config["lr"]),
        plain=lower,
        normed=higher,
        baseline=baseline(plain),
    )


def _smoother(run: TrainRecord, plain: EvalRecord, normed: EvalRecord) -> SmootherLoss:
    """How the loss ranges along the gradient, and how its gradient changes."""
    rough = plain.along_gradient
    smooth = normed.along_gradient
    assert rough is not None
    assert smooth is not None
    ranges = [ahead.loss_high - ahead.loss_low for ahead in (rough, smooth)]
    narrower = ranges[1] < ranges[0]
    return SmootherLoss(
        narrower and smooth.gradient_change < rough.gradient_change,
        rate=float(run.config["lr"]),
        plain=ranges[0],
        normed=ranges[1],
        plain_change=rough.gradient_change,
        normed_change=smooth.gradient_change,
        plain_smoothness=rough.smoothness,
        normed_smoothness=smooth.smoothness,
    )


def moving_variance(records: Sequence[object]) -> Iterator[Observation]:
    """A run in small batches, and its statistics beside the training set's exact ones."""
    run = of_kind(TrainRecord, records[0])
    measured = of_kind(EvalRecord, records[1])
    assert measured.bn is not None
    furthest = max(measured.bn.layers, key=lambda layer: layer.batch_mean)
    yield MeansAgree(furthest.batch_mean < AGREE, furthest.layer, furthest.batch_mean)
    first = measured.bn.layers[0]
    yield _variance_off(run, first)
    yield _last_batch(run, first)
    scores = {name: splits["test"] for name, splits in measured.bn.scores.items()}
    moving = known(scores["moving"].accuracy)
    exact = known(scores["population"].accuracy)
    yield PriceOfVariance(moving != exact, moving, exact, measured.data.test)


def _variance_off(run: TrainRecord, first: NormMismatch) -> VarianceOff:
    """The bias of the batches' variances, and its exact correction.

    A batch of n examples keeps (n - 1)/n of the variance and counts n times: of N examples in B
    batches, equal or not, (N - B)/N is kept.
    """
    batch = int(run.config["batch_size"])
    examples = run.data.train
    batches = math.ceil(examples / batch)
    kept = (examples - batches) / examples
    ratio = first.batch_variance
    return VarianceOff(
        abs(ratio - 1) > OFF,
        layer=first.layer,
        ratio=ratio,
        batch=batch,
        expected=kept,
        corrected=ratio / kept,
    )


def _last_batch(run: TrainRecord, first: NormMismatch) -> LastBatchCounts:
    """What an epoch's last, smaller batch does to the moving average, in which it counts most."""
    batch = int(run.config["batch_size"])
    last = run.data.train % batch or batch
    weight = 1 - float(run.config["bn_momentum"])
    # Last batches of earlier epochs are forgotten: momentum to the power of an epoch's steps.
    expected = weight * (last - 1) / last + (1 - weight) * (batch - 1) / batch
    lower = first.moving_variance < (1 - OFF) * first.batch_variance
    return LastBatchCounts(
        lower,
        layer=first.layer,
        last=last,
        weight=weight,
        moving=first.moving_variance,
        expected=expected,
        average=first.batch_variance,
    )
