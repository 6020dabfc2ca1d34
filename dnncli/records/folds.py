"""The result of cross-validation."""

from dataclasses import dataclass

from dnncli.records.comparison import Estimate


@dataclass(frozen=True)
class FinalRecord:
    """The network of --final, which the checkpoint holds: trained on all rows.

    epochs: the median of the folds' best, rounded up. No row is held out from it: the folds' scores
    are those to expect of it, and the record's test score is of the network before it.
    """

    epochs: int
    examples: int
    train_loss: float
    seconds: float


@dataclass(frozen=True)
class FoldsRecord:
    """Scores over folds, each of which was the test set once.

    tested: how many examples each has; trained: how many its network learned from or was chosen by.
    metrics: by name, means with intervals that are corrected
    for what the folds' training sets share; values are None where a fold's run diverged.
    """

    folds: int
    tested: tuple[int, ...]
    trained: tuple[int, ...]
    best_epochs: tuple[int, ...]
    diverged: int
    metrics: dict[str, Estimate]
    seconds: float
