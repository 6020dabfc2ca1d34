"""What a diagnosis is given of a whole run besides its layers' statistics, measured after it."""

from dnncli.data import Dataset
from dnncli.data.statistics import statistics
from dnncli.records.diagnosis import RunEvidence
from dnncli.training import plan
from dnncli.training.outcome import outcome
from dnncli.training.snapshot import Snapshot


def run_evidence(snapshot: Snapshot, stopped: str, dataset: Dataset) -> RunEvidence:
    """The run's epochs, its data, and what the best epoch's network does on every example."""
    spec = snapshot.spec
    batch = plan.batch_size(spec, len(dataset.train))
    return RunEvidence(
        epochs=snapshot.history,
        stopped=stopped,
        best_epoch=snapshot.best_epoch,
        steps_per_epoch=-(-len(dataset.train) // batch),
        data=statistics(dataset),
        outcome=outcome(spec.network, snapshot.parameters, snapshot.statistics, dataset),
    )
