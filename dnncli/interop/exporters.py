"""The formats in which a trained network leaves: how each is written, and how it is used."""

from collections.abc import Callable
from dataclasses import dataclass

from dnncli.interop import packages, recipes, writing
from dnncli.interop.trained import Trained
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
    packages.check("onnx")
    from dnncli.interop.onnx import writing as onnx_writing

    return onnx_writing.serialise(trained)


def _stablehlo(trained: Trained) -> bytes:
    packages.check("stablehlo")
    from dnncli.interop import stablehlo

    return stablehlo.serialise(trained)


EXPORTERS: dict[str, Exporter] = {
    "onnx": Exporter(_onnx, recipes.onnx),
    "torch": Exporter(_torch, recipes.torch),
    "keras": Exporter(_keras, recipes.keras),
    "stablehlo": Exporter(_stablehlo, recipes.stablehlo),
}
