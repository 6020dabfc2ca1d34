"""From a stack of modules to a network with the same outputs, up to float32's rounding."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from dnncli.data import Scaling
from dnncli.errors import CheckpointError, SpecError
from dnncli.interop.modules import Module, collect
from dnncli.interop.stack import Stage, arrange
from dnncli.nn.network import Layer, Moments, Network
from dnncli.records import SourceNote, SourceTensor
from dnncli.spec import NetworkSpec, catalog
from dnncli.storage import files, tensorfile
from dnncli.theory.closed_forms import BN_EPSILON

Units = Float64[np.ndarray, " units"]


@dataclass(frozen=True)
class Model:
    """An external model as a network here; for each layer the file's tensors and notes.

    scaling: of its inputs, where the file holds one; None: the data's own is used.
    """

    framework: str
    spec: NetworkSpec
    network: Network
    tensors: tuple[tuple[SourceTensor, ...], ...]
    notes: tuple[tuple[SourceNote, ...], ...]
    sha256: str
    scaling: Scaling | None = None

    @property
    def features(self) -> int:
        """How many inputs it takes."""
        return int(self.network.parameters[0].kernel.shape[0])

    @property
    def classes(self) -> int:
        """How many outputs it has."""
        return int(self.network.parameters[-1].kernel.shape[1])


def read(path: Path, act: str, alpha: float | None = None) -> Model:
    """The network in a safetensors file that was trained with this activation.

    Raises CheckpointError for a file that holds no stack of linear layers, SpecError for an
    activation that its tensors contradict.
    """
    file = tensorfile.read(path)
    if file.own:
        raise SpecError(
            f"--act {act}: {files.shown(path)} is dnncli's own and knows its activation.",
            option="--act",
        )
    try:
        framework, modules = collect(file.tensors)
        stages = arrange(framework, modules)
        if len(stages) < 2:
            raise CheckpointError("it is one linear layer without a hidden one.")
    except CheckpointError as error:
        raise CheckpointError(f"{files.shown(path)} is not understood: {error}") from None
    return model(framework, stages, _activation(path, stages, act), alpha, file.sha256)


def _activation(path: Path, stages: Sequence[Stage], act: str) -> str:
    name = catalog.resolve(catalog.ACTIVATIONS, act, "activation").name
    slopes = [stage.slope for stage in stages[:-1]]
    found = next((slope for slope in slopes if slope), None)
    if found and name != "prelu":
        raise SpecError(
            f"--act {act}: {files.shown(path)} holds PReLU's slopes ({next(iter(found.tensors))}).",
            option="--act",
        )
    if name == "prelu" and None in slopes:
        raise SpecError(
            f"--act {act}: {files.shown(path)} holds no slopes of PReLU for some hidden layer.",
            option="--act",
        )
    if stages[-1].slope:
        raise CheckpointError(
            f"{files.shown(path)} is not understood: PReLU follows its last layer."
        )
    return name


def model(
    framework: str, stages: Sequence[Stage], act: str, alpha: float | None, sha256: str
) -> Model:
    """The stack as a network whose hidden layers have this activation."""
    direct = [stage.norm is not None for stage in stages[:-1]]
    spec = NetworkSpec(
        hidden=tuple(stage.linear.width for stage in stages[:-1]),
        act=act,
        alpha=alpha,
        bn=all(direct),
        bn_output=stages[-1].norm is not None,
    )
    pairs = zip(stages, spec.normalised(), strict=True)
    layers = [_layer(stage, normalised) for stage, normalised in pairs]
    parameters, statistics, notes = zip(*layers, strict=True)
    return Model(
        framework,
        spec,
        Network(parameters, statistics),
        tuple(map(_sources, stages, spec.normalised())),
        notes,
        sha256,
    )


def _layer(stage: Stage, normalised: bool) -> tuple[Layer, Moments | None, tuple[SourceNote, ...]]:
    """Our layer, its moments, and what was done to the file's numbers."""
    kernel = stage.linear.parts["kernel"]
    bias = stage.linear.parts["bias"]
    notes: list[SourceNote] = []
    if stage.before:
        gain, shift = _affine(stage.before)
        bias = bias + shift @ kernel
        kernel = gain[:, None] * kernel
        notes.append(SourceNote("input norm folded", stage.before.name))
    slope = None
    if stage.slope:
        slope = np.broadcast_to(stage.slope.parts["slope"], bias.shape)
    if stage.norm and normalised:
        if bias.any():
            notes.append(SourceNote("bias in mean"))
        layer = _normalised(stage.norm, kernel, slope)
        return layer, _moments(stage.norm, bias), tuple(notes)
    if stage.norm:
        gain, shift = _affine(stage.norm)
        kernel = kernel * gain[None]
        bias = bias * gain + shift
        notes.append(SourceNote("norm folded", stage.norm.name))
    return Layer(_float32(kernel), _float32(bias), slope=_float32(slope)), None, tuple(notes)


def _sources(stage: Stage, normalised: bool) -> tuple[SourceTensor, ...]:
    """The file's tensors of a layer, each with the tensor of ours that it became."""
    sources: list[SourceTensor] = []
    for module in stage.modules:
        for name, part in module.tensors.items():
            sources.append(SourceTensor(name, _became(stage, module, part, normalised)))
    return tuple(sources)


def _became(stage: Stage, module: Module, part: str, normalised: bool) -> str:
    """Our tensor for a module's part; empty where it was folded into others."""
    if module is stage.before:
        return ""
    if module is stage.norm:
        return f"norm.{part}" if normalised else ""
    if part == "bias" and normalised:
        return ""  # batch norm's offset does its work
    return part


def _affine(norm: Module) -> tuple[Units, Units]:
    """Batch norm with stored moments as an affine map: gain and shift."""
    gain = norm.parts["scale"] / np.sqrt(norm.parts["variance"] + norm.epsilon)
    return gain, norm.parts["offset"] - norm.parts["mean"] * gain


def _normalised(
    norm: Module,
    kernel: Float64[np.ndarray, "fan_in units"],
    slope: Units | None,
) -> Layer:
    """The stored variance is kept, so that training can go on; the scale absorbs the epsilon."""
    variance = norm.parts["variance"]
    scale = norm.parts["scale"] * np.sqrt((variance + BN_EPSILON) / (variance + norm.epsilon))
    return Layer(
        _float32(kernel),
        scale=_float32(scale),
        offset=_float32(norm.parts["offset"]),
        slope=_float32(slope),
    )


def _moments(norm: Module, bias: Units) -> Moments:
    """The moments of x W: the bias is subtracted from the mean."""
    return Moments(_float32(norm.parts["mean"] - bias), _float32(norm.parts["variance"]))


def _float32(array: Float64[np.ndarray, "..."] | None) -> Any:
    return None if array is None else np.ascontiguousarray(array, np.float32)
