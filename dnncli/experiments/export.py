"""A checkpoint's network in a format that other programs load."""

from dataclasses import dataclass
from pathlib import Path

from dnncli.interop import EXPORTERS, Trained
from dnncli.stages import stage
from dnncli.storage import files
from dnncli.training import placement
from dnncli.training.snapshot import Snapshot


@dataclass(frozen=True)
class Export:
    """What was written: the file's size in bytes, and lines of Python that use it."""

    size: int
    recipe: tuple[str, ...]


def export(snapshot: Snapshot, format_: str, path: Path) -> Export:
    """Write the best epoch's network with its scaling, columns, classes and threshold.

    format_: a name of `interop.EXPORTERS`. Raises DnncliError where the library that it needs is
    missing or the file cannot be written.
    """
    exporter = EXPORTERS[format_]
    trained = _trained(snapshot)
    with stage(f"writing {files.shown(path)}"):
        data = exporter.serialise(trained)
        files.write(path, data)
    return Export(len(data), tuple(exporter.recipe(trained, str(path))))


def _trained(snapshot: Snapshot) -> Trained:
    """The network on the host, and what surrounds it."""
    data = snapshot.data
    return Trained(
        spec=snapshot.spec.network,
        network=placement.fetch(snapshot.answering),
        scaling=data.scaling,
        class_names=data.class_names,
        encoding=data.encoding,
        image=data.image,
        numbers=data.numbers,
        threshold=snapshot.threshold,
    )
