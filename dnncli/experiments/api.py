"""What `import dnncli` offers: trained networks that predict, and training, without the shell."""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8

from dnncli.data import loading
from dnncli.data.tables import encoder
from dnncli.errors import DataError, SpecError
from dnncli.experiments import models, predict
from dnncli.experiments import train as training
from dnncli.experiments.metrics.threshold import answered
from dnncli.records import TrainRecord
from dnncli.spec import from_options, presets, resolved
from dnncli.storage import checkpoint
from dnncli.training.snapshot import Snapshot

BLOCK = 4096  # rows of an array that are copied at a time
Block = Float32[np.ndarray, "_ features"] | UInt8[np.ndarray, "_ features"]


class Model:
    """A trained network.

    rows: of a network that was trained on a table a mapping of columns by name, a data frame
    (pandas, Polars, anything with an Arrow stream), or a matrix of its columns in their order; of
    others an array of examples, unscaled. Values are read as `dnncli predict` reads them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """The network in a checkpoint, as `load` reads it."""
        self._snapshot = snapshot

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of `predict_proba`; empty for a regression."""
        return self._snapshot.data.class_names

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of a regression; empty for classes."""
        return self._snapshot.data.record.targets

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that rows must have; empty for a network that was not trained on a table."""
        encoding = self._snapshot.data.encoding
        return tuple(column.name for column in encoding.columns) if encoding else ()

    @property
    def config(self) -> dict[str, Any]:
        """Every option of the run, as `--format json` shows them."""
        return self._snapshot.spec.options()

    def predict(self, rows: Any) -> Shaped[np.ndarray, "rows ..."]:
        """The class of each row by name, or its number; of several targets a row of numbers.

        Raises DataError for rows that do not fit the network.
        """
        outputs = self._outputs(rows)
        numbers = self._snapshot.data.numbers
        if numbers is not None:
            values = numbers.restore(outputs)
            return values[:, 0] if len(numbers.names) == 1 else values
        return np.array(self.classes)[answered(outputs, self._snapshot.threshold)]

    def predict_proba(self, rows: Any) -> Float32[np.ndarray, "rows classes"]:
        """Every class's probability for each row.

        Raises DataError for rows that do not fit the network, SpecError for a regression.
        """
        if self.targets:
            raise SpecError("the network predicts numbers, which have no probabilities.")
        return predict.softmax(self._outputs(rows))

    def __repr__(self) -> str:
        """What it predicts."""
        answers = ", ".join(self.targets) or f"{len(self.classes)} classes"
        return f"<dnncli.Model of {answers}, trained on {self._snapshot.data.record.name}>"

    def _outputs(self, rows: Any) -> Float32[np.ndarray, "rows outputs"]:
        """The network's outputs; warns of values for which training did not prepare."""
        encoding = self._snapshot.data.encoding
        if encoding is None:
            parts = list(predict.outputs(self._snapshot, self._array(rows)))
        else:
            from dnncli.data.tables import frames

            issues = np.zeros((len(encoder.ISSUES), len(encoding.columns)), np.int64)
            blocks = frames.stream(rows, encoding, issues)
            parts = list(predict.outputs(self._snapshot, blocks))
            warn_of_replaced(self.columns, issues)
        width = self._snapshot.data.record.outputs
        return np.concatenate([np.zeros((0, width), np.float32), *parts])

    def _array(self, rows: Any) -> Iterator[Block]:
        """Examples of an array, block by block; bytes stay bytes."""
        x = np.asarray(rows)
        features = self._snapshot.data.scaling.taken
        if x.ndim < 2 or math.prod(x.shape[1:]) != features:
            raise DataError(f"the network takes examples of {features} features, not {x.shape}.")
        x = x.reshape(len(x), features)
        dtype = np.uint8 if x.dtype == np.uint8 else np.float32
        for start in range(0, len(x), BLOCK):
            yield np.ascontiguousarray(x[start : start + BLOCK], dtype)


def load(path: str | PathLike[str]) -> Model:
    """The trained network in a checkpoint.

    Raises CheckpointError for a file that cannot be read, SpecError for a model from elsewhere.
    """
    return Model(models.load_checkpoint(Path(path)))


def train(
    data: str | PathLike[str] = "digits",
    *,
    out: str | PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Any,
) -> TrainRecord:
    """Train a network as `dnncli train` does, and return its record.

    data: a name or a path. out: the checkpoint's file; without it nothing is written. options: as
    on the command line, their names with underscores: `hidden=(300, 100)`, `batch_size=32`.
    Raises SpecError for options that make no run, DataError for data that cannot be learned from.
    """
    began = time.perf_counter()
    spec = from_options(presets.for_data(resolved({"data": fspath(data), **options})))
    if out is not None:
        checkpoint.reserve(Path(out), overwrite)
    dataset = loading.load(spec.data)
    snapshot, progress = training.trained(spec, dataset)
    kept = None
    if out is not None:
        kept = fspath(out)
        training.save(snapshot, Path(out))
    return training.result(snapshot, progress, dataset, checkpoint_path=kept, began=began)


def warn_of_replaced(columns: Sequence[str], issues: Int64[np.ndarray, "issues columns"]) -> None:
    """Warn of values that had to be replaced, as `dnncli predict` says on stderr."""
    found = [
        f"{count} {encoder.ISSUES[issue]} in {columns[column]}"
        for (issue, column), count in np.ndenumerate(issues)
        if count
    ]
    if found:
        text = f"training did not prepare for some values, which were replaced: {', '.join(found)}"
        warnings.warn(text, stacklevel=4)
