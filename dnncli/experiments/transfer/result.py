"""The record of a transfer: every run's scores and curves, and the difference between the pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dnncli.diagnosis.verdict import diagnose
from dnncli.experiments import statistics
from dnncli.experiments.metrics.held_out import test_score
from dnncli.experiments.train import elapsed
from dnncli.experiments.transfer.candidates import settings
from dnncli.experiments.transfer.task import BASELINE, TRANSFER, Run, Transfer
from dnncli.nn import network
from dnncli.records import (
    BaselineRecord,
    Difference,
    EpochRecord,
    Health,
    RunSummary,
    Score,
    Seconds,
    TransferRecord,
)
from dnncli.training.run import Progress, network_context

Ends = Mapping[Run, Progress]  # each run's last epoch
Scores = Mapping[Run, Score]  # on the test set


def result(
    task: Transfer,
    ends: Ends,
    *,
    finished: bool = True,
    checkpoint_path: str | None = None,
    began: float | None = None,
) -> TransferRecord:
    """The record of the runs in `ends`, which must hold the first seed's transferred run.

    checkpoint_path: where that network was saved.
    began: `time.perf_counter()` when the command began.
    """
    first = Run(TRANSFER, task.layout.run.seed)
    end = ends[first]
    done = {run: progress for run, progress in ends.items() if progress.stopped}
    tests = {run: test_score(progress.snapshot, task.dataset) for run, progress in done.items()}
    parameters = network.count(end.snapshot.network.parameters)
    frozen = _frozen_parameters(task, end)
    return TransferRecord(
        config=_config(task),
        parent=task.parent_record,
        data=task.dataset.record(),
        kept=task.layout.kept,
        frozen=task.layout.frozen,
        reinitialised=task.layout.reinitialised,
        probes=task.probes,
        parameters=parameters,
        trained_parameters=parameters - frozen,
        frozen_parameters=frozen,
        epochs=_epochs(end),
        best_epoch=end.snapshot.history.best_epoch,
        stopped=_stopped(end, finished),
        test=tests.get(first),
        health=_health(task, end),
        seeds=_summaries(done, tests, TRANSFER),
        baseline=_baseline(task, done, tests, first.seed),
        difference=_difference(done, tests),
        checkpoint=checkpoint_path,
        seconds=_seconds(ends, began),
        race=task.race,
    )


def _config(task: Transfer) -> dict[str, object]:
    """Every resolved option."""
    return {
        **task.layout.run.options(),
        **task.spec.config(),
        **_freezing(task),
        "freeze": list(task.layout.frozen),
        "checkpoint": task.parent_record.path,
    }


def _freezing(task: Transfer) -> dict[str, object]:
    """The options of freezing as the layout has them, which --keep auto may have chosen."""
    freezing = task.layout.run.freezing
    chosen = " ".join(f"{epoch}:{','.join(names)}" for epoch, names in freezing.unfreeze)
    return {"unfreeze": task.spec.unfreeze or chosen, "lr_decay": freezing.lr_decay}


def _frozen_parameters(task: Transfer, end: Progress) -> int:
    """How many parameters are frozen at first."""
    names = end.snapshot.spec.network.layers()
    layers = zip(names, end.snapshot.network.parameters, strict=True)
    return network.count(tuple(layer for name, layer in layers if name in task.layout.frozen))


def _epochs(end: Progress) -> tuple[EpochRecord, ...]:
    """A run's epochs, a last one that diverged included."""
    if end.stopped == "diverged":
        return (*end.snapshot.history.epochs, end.record)
    return end.snapshot.history.epochs


def _stopped(end: Progress, finished: bool) -> str:
    """Why the transferred network's run has ended."""
    if not finished:
        return "signal"
    return end.stopped or "signal"


def _health(task: Transfer, end: Progress) -> Health:
    """The verdict on a run's last epoch."""
    crash = end.cause if end.stopped == "diverged" else None
    context = network_context(task.layout.run, task.dataset)
    return diagnose(context, _epochs(end)[-1].layers, (), crash)


def _seconds(ends: Ends, began: float | None) -> Seconds:
    compiling = sum(end.compile_seconds for end in ends.values())
    training = sum(map(_training_seconds, ends.values()))
    return Seconds(total=elapsed(began), compile=compiling, train=training)


def _training_seconds(end: Progress) -> float:
    return sum(record.seconds or 0.0 for record in _epochs(end))


def _summaries(done: Ends, tests: Scores, kind: str) -> tuple[RunSummary, ...]:
    """A summary of each finished run of a kind."""
    return tuple(_summary(done, tests, run) for run in done if run.kind == kind)


def _summary(done: Ends, tests: Scores, run: Run) -> RunSummary:
    end = done[run]
    curve = _val_accuracies(end)
    baseline = done.get(replace(run, kind=BASELINE))
    goal = max(_val_accuracies(baseline), default=None) if baseline else None
    return RunSummary(
        seed=run.seed,
        test=tests[run],
        best_epoch=end.snapshot.history.best_epoch,
        stopped=end.stopped or "",
        first_accuracy=next(iter(curve), None),
        best_accuracy=max(curve, default=None),
        reached=_first_epoch_at(goal, curve),
        seconds=_training_seconds(end),
        val_accuracies=curve,
    )


def _val_accuracies(end: Progress) -> tuple[float, ...]:
    return tuple(record.merit for record in end.snapshot.history.epochs)


def _first_epoch_at(goal: float | None, curve: Sequence[float]) -> int | None:
    """The first epoch (from 1) whose value is at least the goal."""
    if goal is None:
        return None
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= goal), None)


def _baseline(task: Transfer, done: Ends, tests: Scores, seed: int) -> BaselineRecord | None:
    """The run from scratch with the first seed, and every seed's; None before that has finished."""
    first = Run(BASELINE, seed)
    if first not in done:
        return None
    end = done[first]
    run = task.baseline.run
    rate, _ = settings(run)
    return BaselineRecord(
        test=tests[first],
        epochs=_epochs(end),
        best_epoch=end.snapshot.history.best_epoch,
        stopped=end.stopped or "",
        seeds=_summaries(done, tests, BASELINE),
        hidden=run.network.hidden,
        lr=rate,
        parameters=network.count(end.snapshot.network.parameters),
    )


def _difference(done: Ends, tests: Scores) -> Difference | None:
    """Test accuracy minus the baseline's, over the seeds whose two runs are done and finite."""
    pairs = list(_pairs(done, tests))
    if not pairs:
        return None
    mean, low, high, p = statistics.paired(*zip(*pairs, strict=True))
    return Difference(mean, low, high, p, len(pairs))


def _pairs(done: Ends, tests: Scores) -> Iterator[tuple[float, float]]:
    """Test accuracies with reused layers and from scratch, seed by seed."""
    finite = [run for run, end in done.items() if end.stopped != "diverged"]
    for run in finite:
        baseline = replace(run, kind=BASELINE)
        if run.kind == TRANSFER and baseline in finite:
            yield tests[run].merit, tests[baseline].merit
