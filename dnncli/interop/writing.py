"""Networks as PyTorch and Keras name and shape their parts, and the modules that rebuild them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dnncli.interop.modules import EPSILON, KERAS, PYTORCH
from dnncli.nn.network import Layer, Moments, Network
from dnncli.spec import NetworkSpec
from dnncli.theory.closed_forms import BN_EPSILON

# An activation's module in each, where alpha and units are filled in.
TORCH_MODULES = {
    "identity": "Identity()",
    "sigmoid": "Sigmoid()",
    "tanh": "Tanh()",
    "softsign": "Softsign()",
    "softplus": "Softplus()",
    "relu": "ReLU()",
    "leaky-relu": "LeakyReLU({alpha!r})",
    "prelu": "PReLU({units})",
    "elu": "ELU({alpha!r})",
    "celu": "CELU({alpha!r})",
    "selu": "SELU()",
    "gelu": "GELU()",
    "swish": "SiLU()",
    "mish": "Mish()",
    "hard-swish": "Hardswish()",
}
KERAS_MODULES = {
    "identity": "Activation('linear')",
    "leaky-relu": "LeakyReLU(negative_slope={alpha!r})",
    "prelu": "PReLU()",
    "elu": "ELU(alpha={alpha!r})",
    "celu": "Activation(lambda x: keras.activations.celu(x, alpha={alpha!r}))",
    "swish": "Activation('silu')",
    "hard-swish": "Activation('hard_silu')",
}


def torch_tensors(network: Network) -> Iterator[tuple[str, Any]]:
    """The state of a torch.nn.Sequential of Linear, BatchNorm1d and the activation."""
    place = 0
    for layer, moments in zip(*network, strict=True):
        yield f"{place}.weight", np.ascontiguousarray(np.asarray(layer.kernel).T)
        yield f"{place}.bias", _bias(layer)
        place += 1
        if moments is not None:
            scale, offset, mean, variance = _norm(layer, moments, EPSILON[PYTORCH])
            yield f"{place}.weight", scale
            yield f"{place}.bias", offset
            yield f"{place}.running_mean", mean
            yield f"{place}.running_var", variance
            yield f"{place}.num_batches_tracked", np.zeros((), np.int64)
            place += 1
        if layer.slope is not None:
            yield f"{place}.weight", np.asarray(layer.slope)
        place += 1


def keras_tensors(network: Network) -> Iterator[tuple[str, Any]]:
    """The variables of Dense, BatchNormalization and PReLU layers under Keras' names."""
    norms = iter(_numbered("batch_normalization", len(network.parameters)))
    for index, (layer, moments) in enumerate(zip(*network, strict=True)):
        dense = _numbered("dense", index + 1)[-1]
        slopes = _numbered("p_re_lu", index + 1)[-1]
        yield f"{dense}/kernel", np.asarray(layer.kernel)
        yield f"{dense}/bias", _bias(layer)
        if moments is not None:
            norm = next(norms)
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            for part, values in zip(parts, _norm(layer, moments, EPSILON[KERAS]), strict=True):
                yield f"{norm}/{part}", values
        if layer.slope is not None:
            yield f"{slopes}/alpha", np.asarray(layer.slope)


def _numbered(name: str, count: int) -> list[str]:
    """Keras' names of several layers of one kind: dense, dense_1, dense_2, …"""
    return [name, *(f"{name}_{index}" for index in range(1, count))]


def _bias(layer: Layer) -> Any:
    """The bias; before batch norm there is none, which is a bias of 0."""
    if layer.bias is None:
        return np.zeros(layer.kernel.shape[1], np.float32)
    return np.asarray(layer.bias)


def _norm(layer: Layer, moments: Moments, epsilon: float) -> tuple[Any, Any, Any, Any]:
    """Scale, offset, mean and variance for another epsilon, which the scale absorbs."""
    variance = np.asarray(moments.variance, np.float64)
    scale = np.asarray(layer.scale, np.float64) * np.sqrt(
        (variance + epsilon) / (variance + BN_EPSILON)
    )
    return (
        scale.astype(np.float32),
        np.asarray(layer.offset),
        np.asarray(moments.mean),
        np.asarray(moments.variance),
    )


def torch_model(spec: NetworkSpec, features: int, outputs: int) -> list[str]:
    """Lines of Python that build the network in PyTorch; it takes scaled features."""
    rows = _torch_modules(spec, features, (*spec.units, outputs))
    return ["model = nn.Sequential(", *(_row("nn", row) for row in rows), ")"]


def keras_model(spec: NetworkSpec, features: int, outputs: int) -> list[str]:
    """Lines of Python that build the network in Keras; it takes scaled features."""
    rows = _keras_modules(spec, (*spec.units, outputs))
    body = [_row("layers", row) for row in rows]
    return [f"model = keras.Sequential([keras.Input(({features},)),", *body, "])"]


def _row(package: str, modules: list[str]) -> str:
    """A line of modules in a list."""
    calls = [f"{package}.{module}" for module in modules]
    return f"    {', '.join(calls)},"


def _torch_modules(spec: NetworkSpec, features: int, sizes: tuple[int, ...]) -> Iterator[list[str]]:
    for index, (fan_in, units) in enumerate(zip((features, *sizes), sizes, strict=False)):
        norm = [f"BatchNorm1d({units})"] if spec.normalised()[index] else []
        yield [f"Linear({fan_in}, {units})", *norm, *_activation(spec, TORCH_MODULES, index, units)]


def _keras_modules(spec: NetworkSpec, sizes: tuple[int, ...]) -> Iterator[list[str]]:
    known = {name: KERAS_MODULES.get(name, f"Activation({name!r})") for name in TORCH_MODULES}
    norms = iter(_numbered("batch_normalization", len(sizes)))
    for index, units in enumerate(sizes):
        dense = f"Dense({units}, name={_numbered('dense', index + 1)[-1]!r})"
        norm = [f"BatchNormalization(name={next(norms)!r})"] if spec.normalised()[index] else []
        act = _activation(spec, known, index, units)
        if spec.act == "prelu":
            name = _numbered("p_re_lu", index + 1)[-1]
            act = [part.replace("()", f"(name={name!r})") for part in act]
        yield [dense, *norm, *act]


def _activation(spec: NetworkSpec, modules: dict[str, str], index: int, units: int) -> list[str]:
    if index == len(spec.hidden):
        return []
    return [modules[spec.act].format(alpha=spec.alpha, units=units)]
