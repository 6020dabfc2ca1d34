"""From finished trials to the results table: chosen rates, intervals, tests against a baseline."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dnncli.experiments import statistics
from dnncli.records import (
    DeltaRatio,
    Estimate,
    RateRecord,
    RowRecord,
    SeedRecord,
    Speed,
    TrialRecord,
    Versus,
)
from dnncli.theory import Prediction

Metric = Callable[[SeedRecord], float | None]
FEW_SEEDS = (
    f"no p-values: with fewer than {statistics.FEWEST} seeds too little is known of how seeds"
    " scatter for a test to be trusted"
)


def rows(
    trials: Sequence[TrialRecord],
    predictions: Mapping[str, Prediction],
    speeds: Mapping[str, Speed],
) -> tuple[RowRecord, ...]:
    """A row for each combination at its best rate, by falling mean test accuracy.

    No row is compared with a baseline yet.
    """
    by_name: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        by_name.setdefault(trial.name, []).append(trial)
    found = [_row(own, predictions.get(name), speeds.get(name)) for name, own in by_name.items()]
    return tuple(sorted(found, key=lambda row: _descending(row.test_accuracy.mean)))


def _descending(mean: float | None) -> float:
    """A key that sorts means from the highest to the lowest, those without a value last."""
    return math.inf if mean is None else -mean


def best_rate(trials: Sequence[TrialRecord]) -> TrialRecord:
    """The trial with the fewest divergences, then the best mean validation accuracy, then loss.

    Accuracy is what the table compares; the test set takes no part in the choice.
    """
    return min(trials, key=_validation_rank)


def _validation_rank(trial: TrialRecord) -> tuple[int, float, float]:
    """A key that sorts trials from the best to the worst on validation."""
    accuracy = estimate(trial.runs, _val_accuracy).mean
    loss = estimate(trial.runs, lambda run: run.val_loss).mean
    if loss is None:
        loss = math.inf
    return _diverged(trial), _descending(accuracy), loss


def _val_accuracy(run: SeedRecord) -> float | None:
    return run.val_accuracy


def _diverged(trial: TrialRecord) -> int:
    """How many seeds diverged."""
    return sum(run.stopped == "diverged" for run in trial.runs)


def estimate(runs: Sequence[SeedRecord], metric: Metric) -> Estimate:
    """Mean and interval over the seeds that did not diverge; every seed's value."""
    values = tuple(_value(run, metric) for run in runs)
    known = [value for value in values if value is not None]
    if not known:
        return Estimate(None, None, None, values)
    return Estimate(*statistics.interval(known), values)


def _value(run: SeedRecord, metric: Metric) -> float | None:
    """A seed's value; None where it diverged."""
    return None if run.stopped == "diverged" else metric(run)


def _row(
    trials: Sequence[TrialRecord], theory: Prediction | None, speed: Speed | None
) -> RowRecord:
    """A combination's row, from its trials at every learning rate."""
    trial = best_rate(trials)
    runs = trial.runs
    verdicts = Counter(run.verdict for run in runs)
    row = RowRecord(
        act=trial.act,
        init=trial.init,
        lr=trial.lr,
        seeds=len(runs),
        test_accuracy=estimate(runs, lambda run: run.test_accuracy),
        val_accuracy=estimate(runs, _val_accuracy),
        train_accuracy=estimate(runs, lambda run: run.train_accuracy),
        best_epoch=estimate(runs, lambda run: float(run.best_epoch)),
        seconds_per_epoch=None,
        inference_examples_per_second=None,
        delta_ratio=_delta_ratio(runs, theory),
        dead_fraction=estimate(runs, lambda run: run.dead_fraction).mean,
        saturated_fraction=estimate(runs, lambda run: run.saturated_fraction).mean,
        activation_mean=estimate(runs, lambda run: run.activation_mean).mean,
        verdict=verdicts.most_common(1)[0][0],
        diverged=_diverged(trial),
        versus_baseline=None,
        name=trial.name,
        verdicts=dict(verdicts),
        rates=tuple(map(_rate, trials)),
        runs=runs,
    )
    return replace(row, **vars(speed)) if speed else row


def _rate(trial: TrialRecord) -> RateRecord:
    return RateRecord(trial.lr, estimate(trial.runs, _val_accuracy).mean, _diverged(trial))


def _delta_ratio(runs: Sequence[SeedRecord], theory: Prediction | None) -> DeltaRatio:
    """Geometric means over seeds, and the prediction."""
    measured = DeltaRatio(
        initial=statistics.geometric_mean([run.initial_delta_ratio for run in runs]),
        best=statistics.geometric_mean([run.best_delta_ratio for run in runs]),
        predicted=None,
        band=None,
    )
    if theory is None:
        return measured
    return replace(measured, predicted=theory.delta_ratio, band=theory.band)


def choose_baseline(rows: Sequence[RowRecord]) -> str | None:
    """The row with the best mean validation accuracy; None where every seed of every row diverged.

    Not the best on the test set: the luck that made it the best there would count again in its own
    test. In a table of eight equal rows with twenty seeds, that raises a false alarm in 13 % of
    tables instead of the 5 % promised; chosen by validation it is 5 to 7 % (measured by simulation,
    see the tests).
    """
    known = [row for row in rows if row.val_accuracy.mean is not None]
    if not known:
        return None
    return min(known, key=lambda row: _descending(row.val_accuracy.mean)).name


def compared(rows: Sequence[RowRecord], baseline: str | None) -> tuple[RowRecord, ...]:
    """The rows with their differences from the baseline, paired by seed, and Holm's correction."""
    base = next((row for row in rows if row.name == baseline), None)
    if base is None:
        return tuple(rows)
    found = [_versus(row, base) for row in rows]
    corrected = statistics.holm([_p(versus) for versus in found])
    return tuple(
        replace(row, versus_baseline=versus and replace(versus, p_holm=p))
        for row, versus, p in zip(rows, found, corrected, strict=True)
    )


def _versus(row: RowRecord, base: RowRecord) -> Versus | None:
    """The difference over the seeds that diverged in neither row.

    None for the baseline itself and where no such seed is left.
    """
    both = zip(row.test_accuracy.values, base.test_accuracy.values, strict=True)
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    if row is base or not pairs:
        return None
    found = statistics.paired([a for a, _ in pairs], [b for _, b in pairs])
    return Versus(*found, p_holm=None, pairs=len(pairs))


def _p(versus: Versus | None) -> float | None:
    return None if versus is None else versus.p


def note(rows: Sequence[RowRecord]) -> str | None:
    """Why p-values are missing from a comparison; None where none are."""
    tested = [row.versus_baseline for row in rows if row.versus_baseline]
    if not any(versus.p is None for versus in tested):
        return None
    if all(versus.pairs < statistics.FEWEST for versus in tested):
        return FEW_SEEDS
    return (
        f"p-values are missing where fewer than {statistics.FEWEST} pairs of seeds are left, or"
        " where all differ by the same amount"
    )
