"""ONNX files that are a plain stack come in with the answers that ONNX Runtime gives."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from scipy.special import softmax

from dnncli import interop
from dnncli.data import Scaling
from dnncli.errors import CheckpointError, SpecError
from dnncli.interop import EXPORTERS, Trained
from dnncli.nn import network
from dnncli.spec import NetworkSpec, catalog

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SIZES = (6, 5, 4, 3)
RNG = np.random.default_rng(0)
X = RNG.normal(1, 2, (40, SIZES[0])).astype(np.float32)
FAR = np.where(np.arange(SIZES[0]) % 2, np.inf, 3).astype(np.float32)
SPECS = [
    *(NetworkSpec(hidden=SIZES[1:3], act=act) for act in catalog.ACTIVATIONS),
    NetworkSpec(hidden=SIZES[1:3], act="celu", alpha=0.5, bn=True),
    NetworkSpec(hidden=SIZES[1:3], act="prelu", bn=True, bn_output=True),
    NetworkSpec(hidden=SIZES[1:3], act="leaky-relu", alpha=0.2, bn_output=True),
]


def outputs(model, x):
    """The model's outputs for unscaled rows."""
    scaled = x if model.scaling is None else model.scaling.apply(x)
    trained, scaled = jax.tree.map(jnp.asarray, (model.network, scaled))
    parameters, statistics = trained
    found, _ = network.apply(model.spec, parameters, scaled, statistics=statistics)
    return np.asarray(found, np.float64)


def says(data, x):
    """The last output that ONNX Runtime gives for rows."""
    session = runtime.InferenceSession(data)
    return session.run(None, {session.get_inputs()[0].name: x})[-1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("limit", [None, FAR], ids=["standard", "robust"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.act}-{s.bn:d}{s.bn_output:d}")
def test_our_own_exports_come_back(path, spec, limit):
    drawn = oracle.random_network(network.shapes(spec, SIZES[0], SIZES[-1]))
    rows = RNG.uniform(1, 2, (2, SIZES[0])).astype(np.float32)
    scaling = Scaling("standard", *rows, limit)
    path.write_bytes(EXPORTERS["onnx"].serialise(Trained(spec, drawn, scaling, ("a", "b", "c"))))
    model = interop.read(path, None)
    same = {"celu": "elu"} if spec.alpha == 1 else {}  # one function
    assert model.spec.act == same.get(spec.act, spec.act)
    assert model.spec.alpha in (spec.alpha, None)
    assert (model.spec.bn, model.spec.bn_output) == (spec.bn, spec.bn_output)
    shares = softmax(outputs(model, X), axis=1)
    np.testing.assert_allclose(shares, says(path.read_bytes(), X), atol=1e-5)


class Drawing:
    """A graph under construction, as other programs write one: `x` is what it has come to."""

    def __init__(self, width=SIZES[0], type_=TensorProto.FLOAT, shape=None):
        """One input of rows of `shape`, which is as wide."""
        shape = shape or [width]
        self.given = helper.make_tensor_value_info("rows", type_, ["n", *shape])
        self.nodes, self.constants, self.x, self.width = [], [], "rows", width

    def constant(self, values, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, operator, *inputs, domain="", **attributes):
        name = f"{operator}{len(self.nodes)}"
        made = helper.make_node(operator, inputs, [name], name, domain=domain, **attributes)
        self.nodes.append(made)
        return name

    def then(self, operator, *more, **attributes):
        """An operator of what it has come to and of constants."""
        self.x = self.add(operator, self.x, *more, **attributes)
        return self

    def linear(self, units, style="Gemm"):
        """A dense layer as PyTorch, Keras or scikit-learn's converter writes it."""
        kernel = RNG.normal(size=(self.width, units))
        bias = self.constant(RNG.normal(size=units))
        self.width = units
        if style == "Gemm":
            return self.then("Gemm", self.constant(kernel.T), bias, transB=1)
        if style == "MatMul of a transposed one":
            turned = self.add("Transpose", self.constant(kernel.T), perm=[1, 0])
            return self.then("MatMul", turned).then("Add", bias)
        self.x = self.add("Add", bias, self.then("MatMul", self.constant(kernel)).x)
        return self

    def norm(self, epsilon=1e-5):
        parts = RNG.uniform(0.01, 1, (4, self.width))
        return self.then("BatchNormalization", *map(self.constant, parts), epsilon=epsilon)

    def bytes(self, opset=20):
        given_out = helper.make_tensor_value_info(self.x, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [self.given], [given_out], self.constants)
        sets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
        return helper.make_model(graph, opset_imports=sets, ir_version=9).SerializeToString()


def written_out(drawing, name):
    """Activations as exporters write them that have no operator for them."""
    z, c = drawing.x, drawing.constant
    match name:
        case "swish":
            return drawing.add("Mul", z, drawing.add("Sigmoid", z))
        case "gelu":  # PyTorch's, up to operator set 19
            erf = drawing.add("Erf", drawing.add("Div", z, c(1.4142135)))
            product = drawing.add("Mul", z, drawing.add("Add", erf, c(1)))
            return drawing.add("Mul", product, c(0.5))
        case "mish":
            return drawing.add("Mul", z, drawing.add("Tanh", drawing.add("Softplus", z)))
        case "hard-swish":
            gate = drawing.add("HardSigmoid", z, alpha=1 / 6, beta=0.5)
            return drawing.add("Mul", z, gate)
        case "selu":
            return drawing.add("Mul", drawing.add("Elu", z, alpha=1.6732632), c(1.0507010))
        case "leaky-relu":
            return drawing.add("Max", z, drawing.add("Mul", z, c(0.01)))
        case "softsign":
            under = drawing.add("Add", drawing.add("Abs", z), c(1))
            return drawing.add("Div", z, under)
        case "softplus":  # PyTorch's new exporter
            soft = drawing.add("Log", drawing.add("Add", drawing.add("Exp", z), c(1)))
            return drawing.add("Where", drawing.add("Greater", z, c(20)), z, soft)
        case "sigmoid":
            away = drawing.add("Add", drawing.add("Exp", drawing.add("Neg", z)), c(1))
            return drawing.add("Reciprocal", away)
        case "relu":
            return drawing.add("Clip", z, c(0))


FORMS = ["swish", "gelu", "mish", "hard-swish", "selu", "leaky-relu", "softsign", "softplus"]


@pytest.mark.parametrize("name", [*FORMS, "sigmoid", "relu"])
def test_an_activation_that_is_written_out_is_recognised_by_its_values(path, name):
    drawing = Drawing()
    for units in SIZES[1:3]:
        drawing.linear(units)
        drawing.x = written_out(drawing, name)
    check(path, drawing.linear(SIZES[3]), act=name)


def check(path, drawing, x=X, act=None):
    """That a drawing comes in with the outputs that ONNX Runtime has for it; returns the model."""
    path.write_bytes(drawing.bytes())
    model = interop.read(path, None)
    flat = x.reshape(len(x), -1).astype(np.float32)
    # Outputs of 50 are sums that float32 rounds by some 1e-5.
    np.testing.assert_allclose(outputs(model, flat), says(drawing.bytes(), x), rtol=1e-6, atol=1e-5)
    assert act in (None, model.spec.act)
    return model


@pytest.mark.parametrize("style", ["Gemm", "MatMul", "MatMul of a transposed one"])
def test_dense_layers_are_understood_as_every_program_writes_them(path, style):
    drawing = Drawing()
    for units in SIZES[1:3]:
        drawing.linear(units, style).then("Tanh").then("Identity").then("Dropout")
    check(path, drawing.linear(SIZES[3], style), act="tanh")


def test_batch_norm_before_and_behind_activations_keeps_its_epsilon(path):
    before = Drawing().linear(5).norm(1e-3).then("Relu").linear(4).norm(1e-3).then("Relu").linear(3)
    assert check(path, before).spec.bn
    behind = Drawing().norm().linear(5).then("Relu").norm().linear(4).then("Relu").linear(3).norm()
    assert check(path, behind).spec.bn_output


def test_what_scales_the_inputs_becomes_the_models_scaling(path):
    images = RNG.integers(0, 256, (9, 2, 3), np.uint8)
    drawing = Drawing(6, TensorProto.UINT8, [2, 3])
    drawing.then("Cast", to=TensorProto.FLOAT).then("Div", drawing.constant(255))
    drawing.then("Sub", drawing.constant(0.5)).then("Flatten")
    model = check(path, drawing.linear(5).then("Relu").linear(3), images)
    np.testing.assert_allclose(model.scaling.offset, 127.5)
    np.testing.assert_allclose(model.scaling.scale, 255)
    means = RNG.normal(size=6).tolist()
    spreads = RNG.uniform(0.5, 2, 6).tolist()
    drawing = Drawing().then("Scaler", domain="ai.onnx.ml", offset=means, scale=spreads)
    drawing.then("Reshape", drawing.constant([-1, 6], np.int64))
    model = check(path, drawing.linear(5).then("Relu").linear(3))
    np.testing.assert_allclose(model.scaling.offset, means, rtol=1e-6)


def test_answers_behind_the_last_layer_are_left_out(path):
    drawing = Drawing().linear(5).then("Relu").linear(1)
    drawing.then("Sigmoid")
    path.write_bytes(drawing.bytes())
    model = interop.read(path, None)
    assert model.classes == 2  # the sigmoid is the second one's probability
    shares = softmax(outputs(model, X), axis=1)[:, 1:]
    np.testing.assert_allclose(shares, says(drawing.bytes(), X), atol=1e-6)


def residual():
    drawing = Drawing().linear(6)
    drawing.x = drawing.add("Add", drawing.x, drawing.add("Relu", drawing.x))
    before = drawing.x
    drawing.linear(6)
    drawing.x = drawing.add("Add", drawing.x, before)
    return drawing.then("Relu").linear(3)


def tanh_gelu():
    return Drawing().linear(5).then("Gelu", approximate="tanh").linear(3)


REFUSED = {
    "Add4": residual,
    "Gelu1": tanh_gelu,
    "LayerNormalization": lambda: ln(),
    "Sigmoid3": lambda: Drawing().linear(5).then("Relu").linear(3).then("Sigmoid"),
    "different activations (relu, tanh)": lambda: (
        Drawing().linear(5).then("Relu").linear(5).then("Tanh").linear(3)
    ),
    "Erf": lambda: Drawing().linear(5).then("Erf").linear(3),
    "one linear layer": lambda: Drawing().linear(3).then("Softmax"),
    "no linear layer": lambda: Drawing().then("Relu"),
    "Relu3": lambda: Drawing().linear(5).then("Relu").linear(3).then("Relu"),
    "Sin": lambda: Drawing().then("Sin").linear(5).then("Relu").linear(3),
}


def ln():
    drawing = Drawing().linear(5)
    drawing.then("LayerNormalization", drawing.constant(np.ones(5)))
    return drawing.then("Relu").linear(3)


@pytest.mark.parametrize("what", REFUSED)
def test_anything_else_is_refused_by_the_first_operator_that_is_not_a_stacks(path, what):
    path.write_bytes(REFUSED[what]().bytes())
    with pytest.raises(CheckpointError) as error:
        interop.read(path, None)
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_knows_its_activation_is_not_told_one(path):
    path.write_bytes(Drawing().linear(5).then("Relu").linear(3).bytes())
    with pytest.raises(SpecError, match="knows its activation"):
        interop.read(path, "relu")


def test_damaged_files_end_in_one_line_or_are_read(path):
    """Cut short at every place, and a few hundred with a byte changed."""
    drawing = Drawing(3).linear(3, "MatMul").norm().then("Celu", alpha=0.5)
    drawing.then("Reshape", drawing.constant([-1, 3], np.int64))
    whole = drawing.linear(2).then("Softmax").bytes()
    flips = []
    for place in RNG.integers(0, len(whole), 400):
        changed = bytearray(whole)
        changed[place] ^= int(RNG.integers(1, 256))
        flips.append(bytes(changed))
    ends = [ending(path, data) for data in [*(whole[:n] for n in range(len(whole))), *flips]]
    assert all(line.isprintable() for line in ends)
    assert sum(map(bool, ends)) > len(whole) / 2


def ending(path, data):
    """The line in which a file's reading ends; empty where its layers were read and fit."""
    path.write_bytes(data)
    try:
        model = interop.read(path, None)
    except CheckpointError as error:
        return str(error)
    widths = [layer.kernel.shape for layer in model.network.parameters]
    assert all(below[1] == above[0] for below, above in pairwise(widths))
    return ""


def test_files_of_other_kinds_are_refused_in_one_line(path):
    for data in (b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"{}", RNG.bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="is not an intact ONNX file"):
            interop.read(path, None)
    with pytest.raises(CheckpointError, match="cannot be read"):
        interop.read(path.with_name("absent.onnx"), None)
