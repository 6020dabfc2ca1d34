"""A run as TensorBoard shows it: scalars an epoch, histograms of the kernels at the end.

Through tensorboardX, an optional library, and there through the writer without a thread: the other
one waits for ever where the disk is full.
"""

import importlib.util
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnncli import files
from dnncli.errors import DnncliError
from dnncli.records import LAYER_FIELDS, EpochRecord, TrainRecord

BINS = "auto"  # how NumPy divides a kernel's weights into a histogram


def check(folder: Path) -> None:
    """Fail before the work where the log could not be written during it; creates the folder.

    Raises DnncliError where the library is missing or the folder is refused.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise DnncliError(
            "--tensorboard needs tensorboardX, which is not installed: pip install 'dnncli[tensorboard]'."
        )
    with files.reported(folder, "written to"):
        folder.mkdir(parents=True, exist_ok=True)
        with files.temporary(folder / "events", 0o600):
            pass


class Log:
    """One run's event file in a folder of its own, so that TensorBoard tells the runs apart."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create `folder/name`, or `folder/name-2` and so on where there is one already."""
        from tensorboardX.event_file_writer import EventsWriter

        self.folder = folder
        with files.reported(folder, "written to"):
            self.folder = _new(folder, name)
            # An absolute path: it would take a relative one such as s3:logs for an address.
            self._writer = EventsWriter(os.path.join(os.path.abspath(self.folder), "events"))

    def epoch(self, record: EpochRecord) -> None:
        """Every figure of an epoch, readable at once."""
        from tensorboardX import summary

        for name, value in _scalars(record):
            self._add(summary.scalar(name, value), record.epoch)
        self._flush()

    def close(self, record: TrainRecord, kernels: Mapping[str, Any]) -> None:
        """The test result and, by layer, the best epoch's kernels."""
        from tensorboardX import summary

        if record.test:
            self._add(summary.scalar("accuracy/test", record.test.accuracy), record.best_epoch)
        for name, kernel in kernels.items():
            self._add(summary.histogram(f"kernel/{name}", kernel, BINS), record.best_epoch)
        self._flush()

    def _add(self, values: Any, step: int) -> None:
        from tensorboardX.proto.event_pb2 import Event

        with files.reported(self.folder, "written to"):
            self._writer.write_event(Event(wall_time=time.time(), step=step, summary=values))

    def _flush(self) -> None:
        with files.reported(self.folder, "written to"):
            self._writer.flush()


def _new(folder: Path, name: str) -> Path:
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"it holds too many runs called {name}")


def _scalars(record: EpochRecord) -> Iterator[tuple[str, float]]:
    yield "loss/training", record.train_loss
    yield "loss/validation", record.val_loss
    yield "accuracy/validation", record.val_accuracy
    yield "learning_rate", record.learning_rate
    yield "clipped_fraction", record.clipped_fraction
    for layer in record.layers:
        for name in (*LAYER_FIELDS, "dead_fraction"):
            yield f"{name}/{layer.layer}", getattr(layer, name)
