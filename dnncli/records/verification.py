"""What `train --verify` finds: whether a run's checkpoint is what its options give again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorDifference:
    """A tensor that is another. largest: between two of its numbers; share: of them that differ.

    Both are None where its shape differs or one side lacks it.
    """

    name: str
    largest: float | None
    share: float | None


@dataclass(frozen=True)
class VersionDifference:
    """A version, or another fact of the machine, that is not what it was."""

    name: str
    stored: str | None
    here: str | None


@dataclass(frozen=True)
class VerificationRecord:
    """A run's checkpoint beside what the same options have given now.

    first_epoch: the first whose record differs; None where all are the same.
    """

    checkpoint: str
    same: bool
    tensors: int
    epochs: int
    differing: tuple[TensorDifference, ...]
    first_epoch: int | None
    versions: tuple[VersionDifference, ...]
