"""A graph that is one chain, in pieces: layers, batch norms, and what lies elementwise between."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from dnncli.errors import CheckpointError
from dnncli.interop.modules import Module, checked, float64
from dnncli.interop.onnx.elementwise import OPERATORS
from dnncli.interop.onnx.nodes import Constant, File, Node

LINEAR = ("Gemm", "MatMul")
NORM = "BatchNormalization"
SHAPING = ("Flatten", "Reshape")  # of images into rows of features
SCALER = "Scaler"
# What may stand behind the last layer: it turns the outputs into answers, which are not needed.
ANSWERS = (
    *("Softmax", "LogSoftmax", "Sigmoid", "Identity", "Cast", "ArgMax", "TopK", "Gather"),
    *("GreaterOrEqual", "Greater", "Less", "LessOrEqual", "Sub", "Concat", "Reshape", "Flatten"),
    *("ArrayFeatureExtractor", "ZipMap", "Not", "Where", "Squeeze", "Unsqueeze", "LabelEncoder"),
)
UNTOUCHING = ("Identity", "Dropout", "Cast")
FLOATS = (1, 10, 11)  # ONNX's numbers of float, float16 and double


@dataclass(frozen=True)
class Affine:
    """Gain z + shift, each a number or one a unit."""

    gain: Float64[np.ndarray, " _"]
    shift: Float64[np.ndarray, " _"]

    def then(self, other: "Affine") -> "Affine":
        """One after the other."""
        return Affine(self.gain * other.gain, self.shift * other.gain + other.shift)


UNCHANGED = Affine(np.ones(1), np.zeros(1))


@dataclass(frozen=True)
class Piece:
    """A layer or a batch norm, or else the nodes of a function of one value.

    start: the value that it takes. nodes: none where there is a module.
    """

    start: str
    module: Module | None = None
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A graph's pieces from the input to the last layer, and the operators behind that."""

    pieces: tuple[Piece, ...]
    answers: tuple[Node, ...]


def refusal(node: Node) -> CheckpointError:
    """The error for the first operator that is not part of a stack."""
    what = f"{node.operator} ({node.name})"
    shown = what if what.isprintable() else ascii(what)
    return CheckpointError(
        f"its operator {shown} is not part of a stack: dense layers, batch norm between them, and"
        " one activation."
    )


def split(file: File) -> Chain:
    """The pieces of a file's graph.

    Raises CheckpointError, which names the first operator that is not part of a stack.
    """
    if len(file.inputs) != 1:
        first = next((n for n in file.nodes if set(n.inputs) & set(file.inputs)), file.nodes[0])
        raise refusal(first)
    last = _last(file)
    value = file.inputs[0]
    found: list[Piece] = []
    node: Node | None = None
    while node is not last:
        node = file.only_user(value)
        layer = None if node is None else _module(node, value, file)
        if node is not None and layer is not None:
            found.append(Piece(value, layer))
            value = node.output
        else:
            region = _region(file, value)
            found.append(Piece(value, nodes=region))
            value = region[-1].output
    tail = tuple(_tail(file, value))
    if tail:
        found.append(Piece(value, nodes=tail))
        value = tail[-1].output
    return Chain(tuple(found), tuple(_answers(file, value)))


def _last(file: File) -> Node:
    """The last dense layer, or the batch norm of its outputs."""
    layers = [node for node in file.nodes if node.operator in LINEAR]
    if not layers:
        raise CheckpointError("it holds no linear layer.")
    behind = file.only_user(layers[-1].output)
    if behind is not None and behind.operator == NORM:
        return behind
    return layers[-1]


def _region(file: File, start: str) -> tuple[Node, ...]:
    """The elementwise nodes that make one value of another, up to the next layer or batch norm."""
    values = {start}
    region: list[Node] = []
    others: list[Node] = []
    for node in file.nodes:
        if not values.intersection(node.inputs):
            continue
        if node.operator in (*LINEAR, NORM):
            others.append(node)
            continue
        if not _is_elementwise(node) or not values.union(file.constants).issuperset(node.inputs):
            raise refusal(node)
        region.append(node)
        values.add(node.output)
    leaving = {name for node in others for name in node.inputs}.intersection(values)
    if not region or leaving != {region[-1].output}:
        raise refusal((region or others or file.nodes)[0])
    return tuple(region)


def _is_elementwise(node: Node) -> bool:
    """Whether each number becomes one number of its own."""
    if node.operator == "Cast":
        return node.attributes.get("to") in FLOATS
    return node.operator in (*OPERATORS, *SHAPING, SCALER)


def _tail(file: File, value: str) -> Iterator[Node]:
    """What changes the last layer's output and is part of it: additions, multiplications."""
    while value not in file.outputs:
        node = file.only_user(value)
        if node is None or affine(node, value, file.constants) is None:
            return
        yield node
        value = node.output


def _answers(file: File, value: str) -> Iterator[Node]:
    """Everything behind a value. Raises CheckpointError for what does not make answers of it."""
    values = {value}
    for node in file.nodes:
        if values.intersection(node.inputs):
            if node.operator not in ANSWERS:
                raise refusal(node)
            values.add(node.output)
            yield node


def affine(node: Node, value: str, constants: Mapping[str, Constant]) -> Affine | None:
    """What a node does to a value, where that is to multiply and to add constants; else None."""
    others = [name for name in node.inputs if name != value]
    if len(others) != len(node.inputs) - 1 or not constants.keys() >= {*others}:
        return None
    if node.operator in SHAPING or (node.operator in UNTOUCHING and _is_elementwise(node)):
        return UNCHANGED
    if node.operator == SCALER:
        gain = np.asarray(node.attributes.get("scale", 1.0), np.float64).ravel()
        offset = np.asarray(node.attributes.get("offset", 0.0), np.float64).ravel()
        return Affine(gain, -offset * gain)
    if node.operator == "Neg":
        return Affine(-np.ones(1), np.zeros(1))
    if len(others) != 1 or node.operator not in ("Add", "Sub", "Mul", "Div"):
        return None
    number = _row(node, constants[others[0]])
    first = node.inputs[0] == value
    match node.operator:
        case "Add":
            return Affine(np.ones(1), number)
        case "Sub" if first:
            return Affine(np.ones(1), -number)
        case "Sub":
            return Affine(-np.ones(1), number)
        case "Mul":
            return Affine(number, np.zeros(1))
    return Affine(1 / number, np.zeros(1)) if first else None


def _row(node: Node, constant: Constant) -> Float64[np.ndarray, " _"]:
    """A constant of one number, or of one for each unit."""
    along_units = constant.size == 1 or constant.size == constant.shape[-1]
    if constant.dtype.kind not in "fiu" or not along_units:
        raise refusal(node)
    return constant.astype(np.float64).ravel()


def _module(node: Node, value: str, file: File) -> Module | None:
    """The dense layer or batch norm that a node is; None for any other."""
    if node.operator not in (*LINEAR, NORM):
        return None
    if node.inputs[0] != value or not file.constants.keys() >= {*node.inputs[1:]}:
        raise refusal(node)
    given = {name: float64(name, file.constants[name]) for name in node.inputs[1:]}
    if node.operator == NORM:
        return _norm(node, given)
    kernel, *bias = given.values()
    if kernel.ndim != 2 or node.attributes.get("transA", 0):
        raise refusal(node)
    if node.attributes.get("transB", 0):
        kernel = kernel.T
    parts = {"kernel": node.attributes.get("alpha", 1.0) * kernel}
    if bias:
        row = node.attributes.get("beta", 1.0) * bias[0]
        parts["bias"] = np.broadcast_to(row.ravel(), kernel.shape[1:])
    tensors = dict(zip(given, parts, strict=True))
    return checked(Module(node.name, "linear", parts, tensors))


def _norm(node: Node, given: Mapping[str, Constant]) -> Module:
    """Batch norm with its stored moments."""
    if len(given) != 4 or node.attributes.get("training_mode", 0):
        raise refusal(node)
    names = ("scale", "offset", "mean", "variance")
    parts = dict(zip(names, given.values(), strict=True))
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    tensors = dict(zip(given, names, strict=True))
    return checked(Module(node.name, "norm", parts, tensors, epsilon))
