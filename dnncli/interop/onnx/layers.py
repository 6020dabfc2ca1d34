"""A network's layers as nodes of a graph: Gemm, BatchNormalization and activations."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dnncli.interop.onnx.graph import Graph
from dnncli.nn.network import Layer, Moments, Network
from dnncli.spec import NetworkSpec
from dnncli.theory.closed_forms import BN_EPSILON, SELU_ALPHA, SELU_SCALE

# phi(z) from the graph, z and alpha: a float, or for PReLU the slopes of the layer's units.
Activation = Callable[[Graph, str, Any], str]


def outputs(graph: Graph, spec: NetworkSpec, network: Network, x: str) -> str:
    """The network's outputs (of a classifier the logits) for scaled features."""
    last = len(network.parameters) - 1
    for index, (layer, moments) in enumerate(zip(*network, strict=True)):
        x = _preactivation(graph, layer, moments, x)
        if index < last:
            alpha = spec.alpha if layer.slope is None else np.asarray(layer.slope)
            x = ACTIVATIONS[spec.act](graph, x, alpha)
    return x


def _preactivation(graph: Graph, layer: Layer, moments: Moments | None, x: str) -> str:
    """X W + b, or batch norm of x W with the stored moments."""
    kernel = graph.constant(np.asarray(layer.kernel))
    if moments is None:
        return graph.node("Gemm", x, kernel, graph.constant(np.asarray(layer.bias)))
    parts = (layer.scale, layer.offset, moments.mean, moments.variance)
    constants = [graph.constant(np.asarray(part)) for part in parts]
    product = graph.node("MatMul", x, kernel)
    return graph.node("BatchNormalization", product, *constants, epsilon=BN_EPSILON)


def _number(graph: Graph, value: float) -> str:
    """A float32 constant."""
    return graph.constant(np.array(value, np.float32))


def _gelu(graph: Graph, z: str, alpha: Any) -> str:
    """Z (1 + erf(z / sqrt 2)) / 2, exactly."""
    erf = graph.node("Erf", graph.node("Mul", z, _number(graph, math.sqrt(0.5))))
    half = graph.node("Mul", z, _number(graph, 0.5))
    return graph.node("Mul", half, graph.node("Add", erf, _number(graph, 1.0)))


def _swish(graph: Graph, z: str, alpha: Any) -> str:
    """Z sigmoid(z)."""
    return graph.node("Mul", z, graph.node("Sigmoid", z))


def _mish(graph: Graph, z: str, alpha: Any) -> str:
    """Z tanh(softplus(z))."""
    return graph.node("Mul", z, graph.node("Tanh", graph.node("Softplus", z)))


ACTIVATIONS: dict[str, Activation] = {
    "identity": lambda graph, z, alpha: z,
    "sigmoid": lambda graph, z, alpha: graph.node("Sigmoid", z),
    "tanh": lambda graph, z, alpha: graph.node("Tanh", z),
    "softsign": lambda graph, z, alpha: graph.node("Softsign", z),
    "softplus": lambda graph, z, alpha: graph.node("Softplus", z),
    "relu": lambda graph, z, alpha: graph.node("Relu", z),
    "leaky-relu": lambda graph, z, alpha: graph.node("LeakyRelu", z, alpha=alpha),
    "prelu": lambda graph, z, alpha: graph.node("PRelu", z, graph.constant(alpha)),
    "elu": lambda graph, z, alpha: graph.node("Elu", z, alpha=alpha),
    "celu": lambda graph, z, alpha: graph.node("Celu", z, alpha=alpha),
    "selu": lambda graph, z, alpha: graph.node("Selu", z, alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "gelu": _gelu,
    "swish": _swish,
    "mish": _mish,
    "hard-swish": lambda graph, z, alpha: graph.node("HardSwish", z),
}
