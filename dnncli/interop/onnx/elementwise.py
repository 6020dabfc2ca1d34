"""What elementwise operators do to numbers, in float64: activations are recognised by their values.

However an exporter writes an activation out (Swish as z times its sigmoid, GELU by the error
function), a piece of the graph between two layers is a function of one number, and a grid of these
tells which one it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Float64

from dnncli.interop.onnx.nodes import Constant, Node
from dnncli.theory.closed_forms import CLOSED_FORMS, SELU_ALPHA, SELU_SCALE

Values = Float64[np.ndarray, "..."]
GRID = np.concatenate([np.linspace(-20, 20, 401), [-1e3, -1e-3, 1e-3, 50.0]])
FAR = -1e3
TOLERANCE = 1e-5  # of float32 constants
ERF = np.vectorize(math.erf, otypes=[np.float64])


def _clip(node: Node, x: Values, *bounds: Values) -> Values:
    """Bounds are inputs, and were attributes before operator set 11."""
    low = node.attributes.get("min", -np.inf)
    high = node.attributes.get("max", np.inf)
    given = [*bounds, *(low, high)[len(bounds) :]]
    return np.minimum(np.maximum(x, given[0]), given[1])


def _form(name: str, alpha: float | None = None) -> Callable[..., Values]:
    """An operator that is one of our activations; alpha: its default, None where it has none."""

    def value(node: Node, x: Values) -> Values:
        own = None if alpha is None else float(node.attributes.get("alpha", alpha))
        return np.asarray(CLOSED_FORMS[name].value(x, own))

    return value


def _selu(node: Node, x: Values) -> Values:
    alpha = float(node.attributes.get("alpha", SELU_ALPHA))
    scale = float(node.attributes.get("gamma", SELU_SCALE))
    return scale * np.asarray(CLOSED_FORMS["elu"].value(x, alpha))


def _gelu(node: Node, x: Values) -> Values:
    if node.attributes.get("approximate", b"none") == b"none":
        return np.asarray(CLOSED_FORMS["gelu"].value(x, None))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _swish(node: Node, x: Values) -> Values:
    return x * np.asarray(
        CLOSED_FORMS["sigmoid"].value(node.attributes.get("alpha", 1.0) * x, None)
    )


def _hard_sigmoid(node: Node, x: Values) -> Values:
    alpha = node.attributes.get("alpha", 0.2)
    return np.clip(alpha * x + node.attributes.get("beta", 0.5), 0, 1)


def _same(node: Node, x: Values, *others: Values) -> Values:
    return x


def _least(node: Node, *x: Values) -> Values:
    return reduce(np.minimum, x)


def _greatest(node: Node, *x: Values) -> Values:
    return reduce(np.maximum, x)


def _where(node: Node, condition: Values, x: Values, y: Values) -> Values:
    return np.asarray(np.where(condition != 0, x, y))


# Values of an operator's inputs to those of its output.
OPERATORS: dict[str, Callable[..., Values]] = {
    "Identity": _same,
    "Dropout": _same,
    "Cast": _same,
    "Add": lambda node, x, y: x + y,
    "Sub": lambda node, x, y: x - y,
    "Mul": lambda node, x, y: x * y,
    "Div": lambda node, x, y: x / y,
    "Pow": lambda node, x, y: x**y,
    "Min": _least,
    "Max": _greatest,
    "Greater": lambda node, x, y: x > y,
    "Less": lambda node, x, y: x < y,
    "Where": _where,
    "Neg": lambda node, x: -x,
    "Abs": lambda node, x: np.abs(x),
    "Exp": lambda node, x: np.exp(x),
    "Log": lambda node, x: np.log(x),
    "Sqrt": lambda node, x: np.sqrt(x),
    "Reciprocal": lambda node, x: 1 / x,
    "Erf": lambda node, x: ERF(x),
    "Clip": _clip,
    "Sigmoid": _form("sigmoid"),
    "Tanh": _form("tanh"),
    "Softsign": _form("softsign"),
    "Softplus": _form("softplus"),
    "Relu": _form("relu"),
    "LeakyRelu": _form("leaky-relu", 0.01),
    "PRelu": lambda node, x, slope: np.where(x > 0, x, slope * x),
    "Elu": _form("elu", 1.0),
    "Celu": _form("celu", 1.0),
    "Selu": _selu,
    "Gelu": _gelu,
    "Swish": _swish,
    "Mish": _form("mish"),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _form("hard-swish"),
}


def evaluate(
    nodes: Sequence[Node], constants: Mapping[str, Constant], start: str, x: Values
) -> Values:
    """The last node's output where the value `start` is x."""
    known: dict[str, Any] = {start: x}
    for node in nodes:
        inputs = [known.get(name, constants.get(name)) for name in node.inputs]
        known[node.output] = _exact(OPERATORS[node.operator](node, *map(_exact, inputs)))
    return known[nodes[-1].output]


def _exact(value: Any) -> Values:
    """Numbers and truths as float64."""
    return np.asarray(value, np.float64)


def recognised(
    nodes: Sequence[Node], constants: Mapping[str, Constant], start: str
) -> tuple[str, float | None] | None:
    """The activation that nodes make of a value, and its alpha; None where it is none of ours."""
    used = {name for node in nodes for name in node.inputs}.intersection(constants)
    scalars = all(constants[name].size == 1 for name in used)
    if not scalars:
        return None
    y = evaluate(nodes, constants, start, GRID[:, None])[:, 0]
    at_one, far = evaluate(nodes, constants, start, np.array([[-1.0], [FAR]]))[:, 0].tolist()
    alphas = {"leaky-relu": -at_one, "elu": -far, "celu": -far}
    for name, form in CLOSED_FORMS.items():
        alpha = alphas.get(name)
        usable = alpha is None or name == "leaky-relu" or 0 < alpha < 1e6
        if name == "prelu" or not usable:
            continue
        if np.allclose(form.value(GRID, alpha), y, rtol=TOLERANCE, atol=TOLERANCE):
            return name, alpha
    return None
