"""Every activation and batch norm in ONNX, by its reference runtime and float64 NumPy."""

import numpy as np
import oracle
import pytest
from scipy.special import softmax

from dnncli.data import Scaling
from dnncli.interop import EXPORTERS, Trained
from dnncli.interop.onnx import layers
from dnncli.nn import network
from dnncli.spec import NetworkSpec, catalog

FEATURES = 6
CLASSES = ("a", "b", "c")
SPECS = [
    *(NetworkSpec(hidden=(5, 4), act=act) for act in catalog.ACTIVATIONS),
    NetworkSpec(hidden=(5, 4), act="elu", alpha=0.5, bn=True),
    NetworkSpec(hidden=(5, 4), act="prelu", bn=True, bn_output=True),
    NetworkSpec(hidden=(5, 4), act="leaky-relu", alpha=0.2, bn_output=True),
    NetworkSpec(hidden=(5, 4), act="selu", dropout=0.3),
]


def session(trained):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    data = EXPORTERS["onnx"].serialise(trained)
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    return runtime.InferenceSession(data)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.act}-{s.bn:d}{s.bn_output:d}{s.dropout}")
def test_probabilities_are_those_of_the_formulas_for_one_row_and_a_thousand(spec):
    drawn = oracle.random_network(network.shapes(spec, FEATURES, len(CLASSES)))
    rng = np.random.default_rng(0)
    scaling = Scaling("standard", *rng.uniform(1, 2, (2, FEATURES)).astype(np.float32))
    running = session(Trained(spec, drawn, scaling, CLASSES))
    x = rng.normal(1, 4, (1000, FEATURES)).astype(np.float32)
    scaled = (x.astype(np.float64) - scaling.offset) / scaling.scale
    seen = oracle.run(spec, drawn.parameters, scaled, np.zeros(1000, int), drawn.statistics)
    expected = softmax(seen.preactivations[-1], axis=1)
    for rows in (1, 1000):
        classes, probabilities = running.run(None, {"x": x[:rows]})
        np.testing.assert_allclose(probabilities, expected[:rows], atol=1e-5)
        assert classes.tolist() == [CLASSES[i] for i in expected[:rows].argmax(axis=1)]


def test_robust_scaling_bends_far_values_and_leaves_what_has_no_limit():
    spec = SPECS[0]
    drawn = oracle.random_network(network.shapes(spec, FEATURES, len(CLASSES)))
    rng = np.random.default_rng(0)
    limit = np.where(np.arange(FEATURES) % 2, np.inf, 3).astype(np.float32)
    scaling = Scaling("robust", *rng.uniform(1, 2, (2, FEATURES)).astype(np.float32), limit)
    x = rng.normal(1, 40, (9, FEATURES)).astype(np.float32)
    x[0, ::2] = 1e30
    z = (x.astype(np.float64) - scaling.offset) / scaling.scale
    bent = z / np.sqrt(1 + (z / limit) ** 2)
    seen = oracle.run(spec, drawn.parameters, bent, np.zeros(9, int), drawn.statistics)
    expected = softmax(seen.preactivations[-1], axis=1)
    _, probabilities = session(Trained(spec, drawn, scaling, CLASSES)).run(None, {"x": x})
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("limited", [True, False])
def test_piecewise_scaling_takes_every_piece_from_its_column(limited):
    spec = SPECS[0]
    drawn = oracle.random_network(network.shapes(spec, FEATURES, len(CLASSES)))
    rng = np.random.default_rng(0)
    source = np.sort(np.r_[0, 1, rng.integers(0, 2, FEATURES - 2)]).astype(np.int32)
    ends = rng.uniform(1, 2, (2, FEATURES)).astype(np.float32)
    x = rng.normal(1, 4, (50, 2)).astype(np.float32)
    limit = np.where(source == 0, 0.5, 1).astype(np.float32) if limited else None
    low, high = (-limit, limit) if limited else (0, 1)
    z = np.clip((x[:, source].astype(np.float64) - ends[0]) / ends[1], low, high)
    seen = oracle.run(spec, drawn.parameters, z, np.zeros(50, int), drawn.statistics)
    expected = softmax(seen.preactivations[-1], axis=1)
    running = session(Trained(spec, drawn, Scaling("piecewise", *ends, limit, source), CLASSES))
    _, probabilities = running.run(None, {"x": x})
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_every_activation_has_operators():
    assert set(layers.ACTIVATIONS) == set(catalog.ACTIVATIONS)
