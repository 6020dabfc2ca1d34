"""A run's history: what its epochs were, which was the best, and why it stopped."""

from dataclasses import dataclass, replace

from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import RunSpec
from dnncli.training import early_stopping


@dataclass(frozen=True)
class RunHistory:
    """A run so far.

    initial: the layers' figures of the first step, before any update; empty where layers were
    trained before. best_epoch: 0 before the first one. stopped: epochs, patience, diverged or
    condition; None while the run goes on.
    """

    spec: RunSpec
    epochs: tuple[EpochRecord, ...] = ()
    initial: tuple[LayerRecord, ...] = ()
    best_epoch: int = 0
    stopped: str | None = None

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.epochs)

    @property
    def improved(self) -> bool:
        """Whether the last epoch is the best one."""
        return self.best_epoch == self.epoch


def advance(history: RunHistory, record: EpochRecord) -> RunHistory:
    """The run one finite epoch on."""
    epochs = (*history.epochs, record)
    best = early_stopping.best_epoch(epochs, history.spec.stopping)
    stopped = early_stopping.reason(history.spec, len(epochs), best)
    return replace(history, epochs=epochs, best_epoch=best, stopped=stopped)
