"""An ONNX file as plain nodes and constants, in the order in which they are computed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from jaxtyping import Shaped
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from dnncli.errors import CheckpointError
from dnncli.storage import files

Constant = Shaped[np.ndarray, "..."]
# What a damaged or foreign file makes ONNX's own functions raise.
DAMAGE = (DecodeError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
WITHIN = ("Identity", "Cast", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze")


@dataclass(frozen=True, eq=False)
class Node:
    """One operator. inputs: without empty ones at the end; output: the first one."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]
    name: str


@dataclass(frozen=True)
class File:
    """nodes: those that depend on an input. inputs and outputs: the graph's, by name."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sha256: str

    def only_user(self, value: str) -> Node | None:
        """The node that takes a value; None where none or several do."""
        users = [node for node in self.nodes if value in node.inputs]
        return users[0] if len(users) == 1 else None


def read(path: Path) -> File:
    """Read a file. Raises CheckpointError where it is unreadable or damaged."""
    with files.reported(path, "read", CheckpointError):
        files.regular(path.stat())
        data = path.read_bytes()
    try:
        model = onnx.load_model_from_string(data)
        external_data_helper.load_external_data_for_model(model, str(path.parent))
        if not model.graph.node:
            raise ValueError("it holds no graph")
        return _file(model.graph, hashlib.sha256(data).hexdigest())
    except (*DAMAGE, OSError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(
            f"{files.shown(path)} is not an intact ONNX file: {ascii(reason)[1:-1]}."
        ) from None


def _file(graph: Any, sha256: str) -> File:
    """The graph with what depends on no input computed."""
    constants = {tensor.name: _array(tensor) for tensor in graph.initializer}
    inputs = tuple(value.name for value in graph.input if value.name not in constants)
    nodes = []
    for proto in graph.node:
        node = _node(proto)
        if node.operator == "Constant":
            constants[node.output] = _constant(node)
        elif node.operator in WITHIN and all(name in constants for name in node.inputs):
            constants[node.output] = _within(node, [constants[name] for name in node.inputs])
        else:
            nodes.append(node)
    return File(tuple(nodes), constants, inputs, tuple(_names(graph.output)), sha256)


def _names(values: Iterable[Any]) -> list[str]:
    return [value.name for value in values]


def _node(proto: Any) -> Node:
    attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
    inputs = list(proto.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    output = proto.output[0]
    return Node(proto.op_type, tuple(inputs), output, attributes, proto.name or output)


def _array(tensor: TensorProto) -> Constant:
    """A tensor's values; texts are objects."""
    return np.asarray(numpy_helper.to_array(tensor))


def _constant(node: Node) -> Constant:
    """What a Constant holds, in whichever of its forms."""
    (value,) = node.attributes.values()
    return _array(value) if isinstance(value, TensorProto) else np.asarray(value)


def _within(node: Node, arrays: list[Constant]) -> Constant:
    """A constant that is made of another one by moving its values."""
    first, *others = arrays
    match node.operator:
        case "Transpose":
            return np.transpose(first, node.attributes.get("perm"))
        case "Reshape":
            return first.reshape([int(size) for size in others[0]])
        case "Flatten":
            axis = node.attributes.get("axis", 1)
            return first.reshape(int(np.prod(first.shape[:axis])), -1)
        case "Squeeze":
            return first.squeeze()
        case "Unsqueeze":
            return np.expand_dims(first, [int(axis) for axis in np.ravel(others[0])])
        case "Cast":
            return first.astype(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))
    return first
