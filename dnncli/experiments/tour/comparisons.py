"""Stations that compare activations over paired seeds."""

from collections.abc import Iterator, Mapping, Sequence

from dnncli.experiments import statistics
from dnncli.experiments.tour.figures import known, of_kind
from dnncli.records import ComparisonRecord, RowRecord, SeedRecord
from dnncli.records.observations.comparisons import (
    BetterThanSigmoid,
    DeadUnits,
    FasterToAccuracy,
    MeanNearerZero,
    SlowerToAnswer,
    SlowerToTrain,
    StoppedEarly,
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


def _faster(
    pairs: Sequence[tuple[SeedRecord, SeedRecord]], seconds: float, others: float
) -> FasterToAccuracy:
    """Epochs until the accuracy that every run reaches, and the time they take."""
    accuracy = min(max(run.val_accuracies) for pair in pairs for run in pair)
    ours = [_epochs_to(accuracy, run) for run, _ in pairs]
    theirs = [_epochs_to(accuracy, run) for _, run in pairs]
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
    ours = [known(run.test_accuracy) for run in rows["relu"].runs]
    theirs = [known(run.test_accuracy) for run in rows["sigmoid"].runs]
    difference, low, high, _ = statistics.paired(ours, theirs)
    points = (100 * difference, 100 * known(low), 100 * known(high))
    yield BetterThanSigmoid(known(low) > 0, *points, seeds=len(ours))
    furthest = max(comparison.rows, key=_gap)
    above = all(_gap(row) > 0 for row in comparison.rows)
    train = known(furthest.train_accuracy.mean)
    yield TrainAboveTest(above, furthest.act, train, known(furthest.test_accuracy.mean))


def _gap(row: RowRecord) -> float:
    """Training less test accuracy."""
    return known(row.train_accuracy.mean) - known(row.test_accuracy.mean)
