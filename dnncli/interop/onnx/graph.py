"""An ONNX graph under construction: nodes, constants, inputs and outputs by name."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from jaxtyping import Shaped
from onnx import TensorProto, helper, numpy_helper

from dnncli import __version__

OPSET = 17  # of ai.onnx
ML = "ai.onnx.ml"
ML_OPSET = 3
IR_VERSION = 8  # the format's version that came with opset 17
BATCH = "rows"  # the dynamic dimension
TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "string": TensorProto.STRING,
}


class Graph:
    """What was added so far. Every value has a name; `node` and `constant` make new ones."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        """`taken`: names that inputs and outputs will have, and nothing else may."""
        self._taken = frozenset(taken)
        self._count = 0
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, type_: str, shape: Sequence[int], about: str = "") -> str:
        """An input of so many rows; `about` says what it holds."""
        self._inputs.append(_value(name, type_, shape, about))
        return name

    def output(self, value: str, name: str, type_: str, shape: Sequence[int], about: str) -> None:
        """Give a value out under a name."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_value(name, type_, shape, about))

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The result of an operator with one output."""
        name = self._new(operator)
        made = helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes)
        self._nodes.append(made)
        return name

    def constant(self, array: Shaped[np.ndarray, "..."]) -> str:
        """An array in the graph; objects are strings."""
        name = self._new("constant")
        self._constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def cast(self, value: str, type_: str) -> str:
        """A value as another type."""
        return self.node("Cast", value, to=TYPES[type_])

    def concatenated(self, values: Sequence[str]) -> str:
        """Matrices side by side."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def model(self, about: str, properties: Mapping[str, str]) -> onnx.ModelProto:
        """The whole graph as a model, with texts about it by name."""
        graph = helper.make_graph(
            self._nodes, "dnncli", self._inputs, self._outputs, self._constants
        )
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(
            graph,
            opset_imports=sets,
            ir_version=IR_VERSION,
            producer_name="dnncli",
            producer_version=__version__,
            doc_string=about,
        )
        helper.set_model_props(model, dict(properties))
        return model

    def _new(self, kind: str) -> str:
        """A name that no other value has."""
        self._count += 1
        name = f"{kind}_{self._count}"
        return name if name not in self._taken else self._new(kind)


def _value(name: str, type_: str, shape: Sequence[int], about: str) -> Any:
    """The description of an input or output, whose first dimension is the rows."""
    return helper.make_tensor_value_info(name, TYPES[type_], [BATCH, *shape], about)
