"""What the rest of the program learns from: three splits of scaled examples, and their scaling."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int32

from dnncli.data import features
from dnncli.data.blocks.stored import Stored
from dnncli.data.class_weights import mean_weights
from dnncli.data.features import Features, Rows, Scaling
from dnncli.data.quantities import Quantities
from dnncli.data.tables.encoding import Encoding
from dnncli.errors import SpecError
from dnncli.records import DataRecord, Notice

SAMPLE = 100_000  # examples whose mean square is known to about one part in a hundred
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Examples in rows, C-contiguous; classes counted from 0, or standardised targets.

    x: scaled numbers, or what is scaled when it is taken: bytes, or what is on the disk. weights:
    how much each example counts in the loss; None: all count alike.
    """

    x: Features
    y: Int32[np.ndarray, " examples"] | Float32[np.ndarray, "examples outputs"]
    weights: Float32[np.ndarray, " examples"] | None = None

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.y)

    def take(self, rows: Rows) -> "Split":
        """Some of the examples."""
        weights = None if self.weights is None else self.weights[rows]
        return Split(features.take(self.x, rows), self.y[rows], weights)

    def class_weights(self, classes: int) -> Float64[np.ndarray, " classes"] | None:
        """What an example of each class counts in the loss on average; None: all alike."""
        if self.weights is None or self.y.ndim > 1:
            return None
        return mean_weights(self.y, self.weights, classes)

    @cached_property
    def second_moment(self) -> float:
        """The mean square over examples and features: what theory starts from.

        On the disk an evenly spread sample of the examples stands for all.
        """
        if isinstance(self.x, Stored):
            stride = -(-len(self) // SAMPLE)
            seen = self.x[::stride]
            return float(np.square(seen, dtype=np.float64).mean())
        total = 0.0
        for rows in np.array_split(np.arange(len(self)), 64):  # no float64 copy of everything
            total += np.square(self.x[rows], dtype=np.float64).sum()
        return float(total / self.x.size)


@dataclass(frozen=True, eq=False)
class Dataset:
    """One source of examples, ready to train on.

    fingerprint: SHA-256 of the arrays as read, whatever the splits and the scaling.
    image_shape: rows and columns, where an example is a grey image. pixels: whether features are
    bytes in files.
    encoding: what a table's columns became. notices: what its owner should know.
    quantities: the targets of a regression, which has no classes; None for classes.
    unseen: test examples, besides those of `test`, of classes that training has not. whole: every
    split has all examples of a table, which a trained network is only measured on.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    scaling: Scaling
    fingerprint: str
    image_shape: tuple[int, int] | None
    encoding: Encoding | None = None
    notices: tuple[Notice, ...] = ()
    quantities: Quantities | None = None
    unseen: Float32[np.ndarray, "unseen features"] | None = None
    pixels: bool = False
    whole: bool = False

    @property
    def stored(self) -> bool:
        """Whether the training examples are on the disk."""
        return isinstance(self.train.x, Stored)

    @property
    def features(self) -> int:
        """How many numbers describe an example."""
        return self.train.x.shape[1]

    @property
    def classes(self) -> int:
        """How many classes there are; 0 in a regression."""
        return len(self.class_names)

    @property
    def task(self) -> str:
        """What the target makes of it: classification or regression."""
        return "classification" if self.quantities is None else "regression"

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out: one for each class, or for each target."""
        return self.classes if self.quantities is None else len(self.quantities.names)

    def split(self, name: str) -> Split:
        """The split called train, validation or test; any other name raises SpecError."""
        if name not in SPLITS:
            raise SpecError(f"no split is called {name!r}: there are {', '.join(SPLITS)}.")
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    def record(self) -> DataRecord:
        """What results and checkpoints tell of the data."""
        targets = () if self.quantities is None else self.quantities.names
        unseen = () if self.unseen is None else self.unseen
        return DataRecord(
            name=self.name,
            train=len(self.train),
            validation=len(self.validation),
            test=len(self.test) + len(unseen),
            features=self.features,
            classes=self.classes,
            fingerprint=self.fingerprint,
            targets=targets,
            scaling=self.scaling.kind,
        )
