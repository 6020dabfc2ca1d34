"""The formats in which a network comes in: which file is which, and who reads it."""

from pathlib import Path

from dnncli.errors import SpecError
from dnncli.interop import packages, reading
from dnncli.interop.reading import Model
from dnncli.spec.exports import EXPORTS
from dnncli.storage import files

ONNX = "onnx"


def knows_its_activation(path: Path) -> bool:
    """Whether it is an ONNX file, by its suffix: it tells what other files leave open."""
    return path.suffix.lower() == EXPORTS[ONNX].suffix


def read(path: Path, act: str | None, alpha: float | None = None) -> Model:
    """The network in a file of another program.

    act, alpha: the activation, for a file that does not know it. Raises CheckpointError for a file
    that holds no stack of linear layers, SpecError for an activation that the file contradicts or
    knows, DnncliError where the library that it needs is missing.
    """
    if not knows_its_activation(path):
        assert act is not None
        return reading.read(path, act, alpha)
    if act is not None or alpha is not None:
        option = "--alpha" if act is None else "--act"
        raise SpecError(
            f"{option}: {files.shown(path)} is an ONNX file and knows its activation.",
            option=option,
        )
    packages.check(ONNX)
    from dnncli.interop.onnx import reading as onnx_reading

    return onnx_reading.read(path)
