"""Stations that compare activations over paired seeds."""

from collections.abc import Iterator, Mapping, Sequence

from dnncli.experiments import statistics
from dnncli.experiments.tour.figures import known, of_kind
from dnncli.records import ComparisonRecord, RowRecord, SeedRecord
from dnncli.records.observations.comparisons import (
    BetterThanSigmoid,
    DeadUnits,
    FasterByTheClock,
    FasterToAccuracy,
    MeanNearerZero,
    SlowerToAnswer,
    SlowerToTrain,
    StoppedEarly,
    SwishAgainst,
    TrainAboveTest,
)
from dnncli.records.tour import Observation

SLOWER = 1.05  # a ratio of times that counts: less is within their scatter


def _rows(records: Sequence[object]) -> Mapping[str, RowRecord]:
    """A comparison's rows by activation."""
    comparison = of_kind(ComparisonRecord, records[0])
    return {row.act: row for row in comparison.rows}


def activations(records: Sequence[object]) -> Iterator[Observation]:
    """ReLU and its relatives."""
    rows = _rows(records)
    elu = [abs(known(run.activation_mean)) for run in rows["elu"].runs]
    relu = [abs(known(run.activation_mean)) for run in rows["relu"].runs]
    nearer = sum(ours < theirs for ours, theirs in zip(elu, relu, strict=True))
    yield MeanNearerZero(
        nearer == len(elu),
        elu=known(rows["elu"].activation_mean),
        relu=known(rows["relu"].activation_mean),
        nearer=nearer,
        seeds=len(elu),
    )
    dead = {act: known(row.dead_fraction) for act, row in rows.items()}
    others = (dead["leaky-relu"], dead["elu"], dead["swish"])
    yield DeadUnits(dead["relu"] > 0 and not any(others), dead["relu"], *others)
    for rival in ("relu", "leaky-relu", "elu"):
        yield _swish_against(rival, rows)


def _swish_against(rival: str, rows: Mapping[str, RowRecord]) -> SwishAgainst:
    """Test accuracies of the same seeds."""
    points = _points(rows["swish"], rows[rival])
    return SwishAgainst(points[1] > 0, rival, *points, seeds=len(rows["swish"].runs))


def _points(ours: RowRecord, theirs: RowRecord) -> tuple[float, float, float]:
    """Test accuracy less another row's in points, paired by seed, and its 95 % interval."""
    own = [known(run.test_accuracy) for run in ours.runs]
    other = [known(run.test_accuracy) for run in theirs.runs]
    difference, low, high, _ = statistics.paired(own, other)
    return 100 * difference, 100 * known(low), 100 * known(high)


def elu(records: Sequence[object]) -> Iterator[Observation]:
    """ReLU and ELU: time an epoch, time to an accuracy, time to answer."""
    rows = _rows(records)
    ours = rows["elu"]
    theirs = rows["relu"]
    seconds = known(ours.seconds_per_epoch)
    others = known(theirs.seconds_per_epoch)
    factor = seconds / others
    yield SlowerToTrain(factor >= SLOWER, seconds, others, factor)
    rate = known(ours.inference_examples_per_second)
    other_rate = known(theirs.inference_examples_per_second)
    slower = other_rate / rate
    yield SlowerToAnswer(slower >= SLOWER, rate, other_rate, slower)
    pairs = list(zip(ours.runs, theirs.runs, strict=True))
    whole = [(a, b) for a, b in pairs if a.val_accuracies and b.val_accuracies]
    if len(whole) > 1:
        yield _faster(whole, seconds, others)
        yield _faster_by_the_clock(whole, seconds, others)


def _faster(
    pairs: Sequence[tuple[SeedRecord, SeedRecord]], seconds: float, others: float
) -> FasterToAccuracy:
    """Epochs until the accuracy that every run reaches, and the time they take."""
    accuracy, ours, theirs = _epochs(pairs)
    difference, low, high, _ = statistics.paired(ours, theirs)
    mean = sum(ours) / len(ours)
    other = sum(theirs) / len(theirs)
    return FasterToAccuracy(
        known(high) < 0,
        accuracy=accuracy,
        elu=mean,
        relu=other,
        difference=difference,
        low=known(low),
        high=known(high),
        seeds=len(pairs),
        elu_seconds=mean * seconds,
        relu_seconds=other * others,
    )


def _faster_by_the_clock(
    pairs: Sequence[tuple[SeedRecord, SeedRecord]], seconds: float, others: float
) -> FasterByTheClock:
    """The same in seconds: what ELU's epochs cost is part of it."""
    accuracy, ours, theirs = _epochs(pairs)
    own = [epochs * seconds for epochs in ours]
    other = [epochs * others for epochs in theirs]
    difference, low, high, _ = statistics.paired(own, other)
    return FasterByTheClock(
        known(high) < 0,
        accuracy=accuracy,
        elu=sum(own) / len(own),
        relu=sum(other) / len(other),
        difference=difference,
        low=known(low),
        high=known(high),
        seeds=len(pairs),
    )


def _epochs(
    pairs: Sequence[tuple[SeedRecord, SeedRecord]],
) -> tuple[float, list[float], list[float]]:
    """The accuracy that every run reaches, and the epochs until each has."""
    accuracy = min(max(run.val_accuracies) for pair in pairs for run in pair)
    ours = [_epochs_to(accuracy, run) for run, _ in pairs]
    theirs = [_epochs_to(accuracy, run) for _, run in pairs]
    return accuracy, ours, theirs


def _epochs_to(accuracy: float, run: SeedRecord) -> float:
    """The first epoch whose validation accuracy is at least so high."""
    first = next(place for place, got in enumerate(run.val_accuracies, 1) if got >= accuracy)
    return float(first)


def early_stopping(records: Sequence[object]) -> Iterator[Observation]:
    """Several activations, each stopped when its validation loss no longer fell."""
    comparison = of_kind(ComparisonRecord, records[0])
    rows = _rows(records)
    runs = [run for row in comparison.rows for run in row.runs]
    stopped = sum(run.stopped == "patience" for run in runs)
    longest = max(len(run.val_losses) for run in runs)
    most = int(comparison.config["epochs"])
    yield StoppedEarly(2 * stopped > len(runs), stopped, len(runs), longest, most)
    points = _points(rows["relu"], rows["sigmoid"])
    yield BetterThanSigmoid(points[1] > 0, *points, seeds=len(rows["relu"].runs))
    furthest = max(comparison.rows, key=_gap)
    above = all(_gap(row) > 0 for row in comparison.rows)
    train = known(furthest.train_accuracy.mean)
    yield TrainAboveTest(above, furthest.act, train, known(furthest.test_accuracy.mean))


def _gap(row: RowRecord) -> float:
    """Training less test accuracy."""
    return known(row.train_accuracy.mean) - known(row.test_accuracy.mean)
