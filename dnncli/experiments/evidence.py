"""What a diagnosis is given of a whole run besides its layers' statistics, measured after it."""

from collections.abc import Sequence
from dataclasses import replace

from dnncli.data import Dataset
from dnncli.data.statistics import statistics
from dnncli.diagnosis.configuration import stale
from dnncli.diagnosis.verdict import diagnose
from dnncli.records import Finding, Health, LayerRecord
from dnncli.records.diagnosis import Outcome, RegressionOutcome, RunEvidence
from dnncli.training import moving_averages, plan, sharpness
from dnncli.training.run import network_context
from dnncli.training.snapshot import Snapshot

# The rules whose remedy is another learning rate, and the optimizers for which curvature tells it.
ABOUT_RATE = ("unstable", "slow")
BY_CURVATURE = ("sgd", "momentum", "nesterov")


def health(
    snapshot: Snapshot,
    stopped: str,
    dataset: Dataset,
    layers: Sequence[LayerRecord],
    crash: Finding | None,
    outcome: Outcome | RegressionOutcome | None,
) -> Health:
    """The verdict on a run that has ended; without its outcome it is judged by its layers.

    The loss's curvature is measured where the verdict is about the learning rate and follows from
    it.
    """
    context = network_context(snapshot.spec, dataset)
    first = first_step(snapshot)
    if outcome is None:
        return diagnose(context, layers, first, crash)
    known = run_evidence(snapshot, stopped, dataset, outcome)
    found = diagnose(context, layers, first, crash, known)
    untouched = snapshot.origin is None and not snapshot.spec.freezing.freeze
    of_rate = found.verdict in ABOUT_RATE and snapshot.spec.update.optimizer in BY_CURVATURE
    if not (untouched and of_rate):
        return found
    loss, measured = sharpness.measure(snapshot.spec, dataset)
    curved = replace(known, initial_loss=loss, sharpness=measured)
    return diagnose(context, layers, first, crash, curved)


def first_step(snapshot: Snapshot) -> tuple[LayerRecord, ...]:
    """The statistics before any update, also of a run that broke in its first epoch."""
    if snapshot.history.initial or snapshot.history.epochs or not snapshot.steps:
        return snapshot.history.initial
    step = snapshot.steps[0]
    return step.layers if step.step == 1 else ()


def run_evidence(
    snapshot: Snapshot, stopped: str, dataset: Dataset, outcome: Outcome | RegressionOutcome
) -> RunEvidence:
    """The run's epochs, its data, and what the best epoch's network does on every example."""
    spec = snapshot.spec
    batch = plan.batch_size(spec, len(dataset.train))
    known = RunEvidence(
        epochs=snapshot.history.epochs,
        stopped=stopped,
        best_epoch=snapshot.history.best_epoch,
        steps_per_epoch=-(-len(dataset.train) // batch),
        data=statistics(dataset),
    )
    if stale(spec, known) and known.best_epoch:
        known = replace(known, averages=moving_averages.measure(snapshot, dataset))
    if isinstance(outcome, RegressionOutcome):
        return replace(known, regression=outcome)
    return replace(known, outcome=outcome)
