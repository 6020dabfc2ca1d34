"""The formats in which a trained network leaves: how each is written, and how it is used."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from dnncli.errors import DnncliError
from dnncli.interop import recipes, writing
from dnncli.interop.trained import Trained
from dnncli.spec.exports import EXPORTS
from dnncli.storage import tensorfile


@dataclass(frozen=True)
class Exporter:
    """serialise: the file's bytes. recipe: lines of Python that load the file of a name."""

    serialise: Callable[[Trained], bytes]
    recipe: Callable[[Trained, str], list[str]]


def _torch(trained: Trained) -> bytes:
    tensors = dict(writing.torch_tensors(trained.network))
    return tensorfile.serialise(tensors, trained.about())


def _keras(trained: Trained) -> bytes:
    tensors = dict(writing.keras_tensors(trained.network))
    return tensorfile.serialise(tensors, trained.about())


def _onnx(trained: Trained) -> bytes:
    _check_installed("onnx")
    from dnncli.interop.onnx import writing as onnx_writing

    return onnx_writing.serialise(trained)


def _check_installed(format_: str) -> None:
    """Raise DnncliError where the library that a format needs is missing."""
    package = EXPORTS[format_].package
    if package and importlib.util.find_spec(package) is None:
        raise DnncliError(
            f"--format {format_} needs {package}, which is not installed:"
            f" pip install 'dnncli[{format_}]'."
        )


EXPORTERS: dict[str, Exporter] = {
    "onnx": Exporter(_onnx, recipes.onnx),
    "torch": Exporter(_torch, recipes.torch),
    "keras": Exporter(_keras, recipes.keras),
}
