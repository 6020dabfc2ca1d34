"""A run as TensorBoard shows it: scalars an epoch, histograms of the kernels at the end.

Through tensorboardX, an optional library, and there through the writer of records: the one above it
writes in a thread, and waits for ever where the disk is full.
"""

import contextlib
import importlib.util
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnncli.errors import DnncliError
from dnncli.records import LAYER_FIELDS, EpochRecord, Score, TrainRecord
from dnncli.storage import files

FLUSH_EVERY = 1.0  # seconds; the library also waits for the disk each time
BINS = "auto"  # how NumPy divides a kernel's weights into a histogram


def check(folder: Path) -> None:
    """Fail before the work where the log could not be written during it; creates the folder.

    Raises DnncliError where the library is missing or the folder is refused.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise DnncliError(
            "--tensorboard needs tensorboardX, which is not installed:"
            " pip install 'dnncli[tensorboard]'."
        )
    with files.reported(folder, "written to"):
        folder.mkdir(parents=True, exist_ok=True)
        with files.temporary(folder / "events", 0o600):
            pass


class Log:
    """One run's event file in a folder of its own, so that TensorBoard tells the runs apart."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create `folder/name`, or `folder/name-2` and so on where there is one already."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.record_writer import RecordWriter

        self.folder = folder
        self._flushed = 0.0
        with files.reported(folder, "written to"):
            self.folder = _new(folder, name)
            path = self.folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
            # An absolute path: it would take a relative one such as s3:logs for an address.
            self._writer = RecordWriter(os.path.abspath(path))
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def epoch(self, record: EpochRecord) -> None:
        """Every figure of an epoch, readable within a second or so."""
        from tensorboardX import summary

        for name, value in _scalars(record):
            self._add(summary.scalar(name, value), record.epoch)
        if time.monotonic() > self._flushed + FLUSH_EVERY:
            self._flush()

    def close(self, record: TrainRecord, kernels: Mapping[str, Any]) -> None:
        """The test result and, by layer, the best epoch's kernels."""
        from tensorboardX import summary

        if record.test:
            for name, value in _test_scalars(record.test):
                self._add(summary.scalar(name, value), record.best_epoch)
        for name, kernel in kernels.items():
            self._add(summary.histogram(f"kernel/{name}", kernel, BINS), record.best_epoch)
        with files.reported(self.folder, "written to"):
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that takes nothing more."""
        with contextlib.suppress(OSError):
            self._writer.close()

    def _add(self, values: Any, step: int) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._write(Event(wall_time=time.time(), step=step, summary=values))

    def _write(self, event: Any) -> None:
        with files.reported(self.folder, "written to"):
            self._writer.write(event.SerializeToString())

    def _flush(self) -> None:
        with files.reported(self.folder, "written to"):
            self._writer.flush()
        self._flushed = time.monotonic()


def _new(folder: Path, name: str) -> Path:
    """A new folder of that name, or with the first free number behind it."""
    names = [name, *(f"{name}-{number}" for number in range(2, 10_000))]
    for free in names:
        path = folder / free
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"it holds too many runs called {name}")


def _test_scalars(score: Score) -> Iterator[tuple[str, float]]:
    """The test set's accuracy, or a regression's metrics."""
    if score.accuracy is not None:
        yield "accuracy/test", score.accuracy
        return
    for name, metric in score.metrics.items():
        if metric.value is not None:
            yield f"{name}/test", metric.value


def _scalars(record: EpochRecord) -> Iterator[tuple[str, float]]:
    yield "loss/training", record.train_loss
    yield "loss/validation", record.val_loss
    if record.train_accuracy is not None:
        yield "accuracy/training", record.train_accuracy
    for name, value in record.metrics.items():
        yield f"{name}/validation", value
    yield "learning_rate", record.learning_rate
    yield "clipped_fraction", record.clipped_fraction
    for layer in record.layers:
        for name in (*LAYER_FIELDS, "dead_fraction"):
            yield f"{name}/{layer.layer}", getattr(layer, name)
        if layer.signal_to_noise is not None:
            yield f"signal_to_noise/{layer.layer}", layer.signal_to_noise
        if layer.distance is not None:
            yield f"distance/{layer.layer}", layer.distance
