"""A trained network as an ONNX model: its inputs, its layers, its answers."""

import json
import math
from collections.abc import Sequence

import numpy as np

from dnncli.errors import CheckpointError
from dnncli.interop.onnx import columns, layers
from dnncli.interop.onnx.graph import Graph
from dnncli.interop.trained import Trained

LARGEST = 2_000_000_000  # bytes; a protocol buffer holds less than 2 GiB
FEATURES = "x"  # the input of a network that was not trained on a table or images
FAR = 1e18  # scaled; its square is still a float32
IMAGES = "image"


def serialise(trained: Trained) -> bytes:
    """The model's file. Raises CheckpointError where the network is too large for one."""
    size = sum(layer.kernel.size for layer in trained.network.parameters) * 4
    if size > LARGEST:
        raise CheckpointError(
            f"an ONNX file holds at most 2 GB, and the network's weights take {size / 1e9:.1f}:"
            " choose another format."
        )
    names = inputs(trained)
    graph = Graph({*names, *outputs(trained)})
    x = _scaled(graph, trained, _features(graph, trained))
    z = layers.outputs(graph, trained.spec, trained.network, x)
    if trained.numbers is None:
        _classes(graph, trained, z)
    else:
        _numbers(graph, trained, z)
    return graph.model(_summary(trained), _properties(trained)).SerializeToString()


def inputs(trained: Trained) -> tuple[str, ...]:
    """The names of the model's inputs: a table's columns, `image`, or `x`."""
    if trained.encoding:
        return tuple(column.name for column in trained.encoding.columns)
    return (IMAGES,) if trained.image else (FEATURES,)


def outputs(trained: Trained) -> tuple[str, ...]:
    """The names of its outputs; one that an input has too gets an underscore."""
    names = ["class", "probabilities"] if trained.numbers is None else ["predicted"]
    taken = inputs(trained)
    return tuple(_free(name, taken) for name in names)


def _free(name: str, taken: Sequence[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _features(graph: Graph, trained: Trained) -> str:
    """Unscaled features of every row."""
    if trained.encoding:
        return columns.features(graph, trained.encoding)
    if trained.image:
        about = "pixels as they stand in the file the network was trained on"
        images = graph.input(IMAGES, "uint8", trained.image, about)
        return graph.cast(graph.node("Flatten", images), "float")
    return graph.input(FEATURES, "float", [trained.features], "features, unscaled")


def _scaled(graph: Graph, trained: Trained, x: str) -> str:
    """(x - offset) / scale, in float32 and within limits as `Scaling.apply`."""
    if trained.scaling.source is not None:
        places = graph.constant(trained.scaling.source.astype(np.int64))
        x = graph.node("Gather", x, places, axis=1)
    if trained.scaling.offset.any():
        x = graph.node("Sub", x, graph.constant(trained.scaling.offset[None]))
    z = graph.node("Div", x, graph.constant(trained.scaling.scale[None]))
    if trained.scaling.source is not None:
        low, high = map(graph.constant, map(np.atleast_2d, trained.scaling.ends))
        return graph.node("Min", graph.node("Max", z, low), high)
    if trained.scaling.limit is None:
        return z
    # Farther values are at the limit already, and their squares would overflow.
    bounds = [graph.constant(np.array(sign * FAR, np.float32)) for sign in (-1, 1)]
    z = graph.node("Clip", z, *bounds)
    share = graph.node("Div", z, graph.constant(trained.scaling.limit[None]))
    one = graph.constant(np.ones(1, np.float32))
    square = graph.node("Add", graph.node("Mul", share, share), one)
    return graph.node("Div", z, graph.node("Sqrt", square))


def _classes(graph: Graph, trained: Trained, z: str) -> None:
    """The class of every row by name, and all classes' probabilities."""
    label, probabilities = outputs(trained)
    if trained.threshold is None:
        index = graph.node("ArgMax", z, axis=1, keepdims=0)
    else:
        index = _second(graph, z, trained.threshold)
    names = graph.constant(np.array(trained.class_names, object))
    graph.output(graph.node("Gather", names, index), label, "string", [], "the class")
    shares = graph.node("Softmax", z, axis=1)
    order = ", ".join(trained.class_names)
    about = f"probabilities of {order}"
    graph.output(shares, probabilities, "float", [trained.outputs], about)


def _second(graph: Graph, z: str, threshold: float) -> str:
    """1 where the second class's log odds reach the threshold's, else 0; in float64."""
    exact = graph.cast(z, "double")
    second = graph.node("Gather", exact, graph.constant(np.array(1)), axis=1)
    first = graph.node("Gather", exact, graph.constant(np.array(0)), axis=1)
    least = graph.constant(np.array(math.log(threshold) - math.log1p(-threshold)))
    margin = graph.node("Sub", second, first)
    return graph.cast(graph.node("GreaterOrEqual", margin, least), "int64")


def _numbers(graph: Graph, trained: Trained, z: str) -> None:
    """Every target in its own unit."""
    assert trained.numbers is not None
    (name,) = outputs(trained)
    exact = graph.cast(z, "double")
    spread = graph.node("Mul", exact, graph.constant(trained.numbers.scale[None]))
    values = graph.node("Add", spread, graph.constant(trained.numbers.offset[None]))
    graph.output(values, name, "double", [trained.outputs], ", ".join(trained.targets))


def _summary(trained: Trained) -> str:
    """What the model does, in a sentence."""
    answer = "the class of" if trained.numbers is None else f"{', '.join(trained.targets)} for"
    given = "a row of a table" if trained.encoding else "a row of features"
    if trained.image:
        given = "an image"
    return f"Predicts {answer} {given}, given as it is: nothing has to be scaled or encoded."


def _properties(trained: Trained) -> dict[str, str]:
    """What programs may ask for: classes or targets in their order, and the threshold."""
    about = trained.about()
    return {
        key: json.dumps(about[key]) for key in ("classes", "targets", "threshold") if key in about
    }
