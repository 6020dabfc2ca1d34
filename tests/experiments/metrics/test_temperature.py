"""Temperature scaling: a known temperature is found, kept where it helps, and used everywhere."""

from dataclasses import replace

import jax
import numpy as np
import oracle
import pytest
from problems import dataset, snapshot, spec
from scipy.optimize import minimize_scalar

from dnncli.data.quantities import Quantities
from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments import evaluate, predict, train
from dnncli.experiments.metrics import held_out, temperature
from dnncli.experiments.metrics import threshold as thresholds
from dnncli.nn import inference
from dnncli.training.checkpointing import from_checkpoint, to_checkpoint
from dnncli.training.snapshot import tempered

DATA = dataset(train=64, validation=60, test=40)


def drawn(rng, hot, examples, classes=3):
    """Logits of which those divided by `hot` have the right probabilities."""
    true = 2 * rng.standard_normal((examples, classes))
    shares = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    y = (rng.random((examples, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return hot * true, y


@pytest.mark.parametrize("hot", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_recovered(hot):
    logits, y = drawn(np.random.default_rng(1), hot, 20_000)
    found = temperature.judged(logits, y)
    assert found.temperature == pytest.approx(hot, rel=0.03)
    if hot != 1:
        assert found.kept
        assert found.after < found.before


def test_it_has_the_lowest_log_loss():
    logits, y = drawn(np.random.default_rng(2), 2.0, 5000)

    def loss(hot):
        return temperature.log_losses(logits / hot, y).mean()

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
    assert temperature.temperature(logits, y) == pytest.approx(best, rel=2e-3)


def test_it_is_not_kept_where_it_does_not_lower_the_loss_of_other_examples():
    rng = np.random.default_rng(3)
    found = [temperature.judged(*drawn(rng, 1.0, 60)) for _ in range(40)]
    assert sum(one.kept for one in found) < 20
    for one in found:
        assert one.kept == (one.after < one.before)


def test_examples_that_are_all_right_do_not_make_it_0():
    logits = np.array([[3.0, 0.0], [0.0, 2.0], [4.0, 1.0]] * 10)
    found = temperature.temperature(logits, np.array([0, 1, 0] * 10))
    assert 0.1 < found < 1
    assert temperature.temperature(np.full((4, 2), np.nan), np.zeros(4, np.int64)) == 1
    assert not temperature.judged(logits[:1], np.array([0])).kept


@pytest.mark.parametrize("options", [{}, {"bn": True, "bn_output": True}], ids=["plain", "norm"])
def test_a_tempered_networks_outputs_are_divided(options):
    run = snapshot(spec(**options), data=DATA)
    x = DATA.test.x
    before, after = [
        np.asarray(inference.compiled_logits(run.spec.network, one, x))
        for one in (run.network, tempered(run.network, 2.5))
    ]
    oracle.assert_agree(after, before / 2.5)


def too_sure(data=DATA, **options):
    """A random network whose outputs are five times as large as they might be."""
    run = snapshot(spec(**options), data=data)
    return replace(run, network=tempered(run.network, 0.2))


@pytest.fixture(scope="module")
def calibrated():
    """Such a network, calibrated on its validation examples."""
    return train.decided(too_sure(calibrate=True), DATA)


def test_eval_and_predict_use_it_and_the_checkpoint_keeps_it(calibrated):
    assert calibrated.calibration.kept
    hot = calibrated.calibration.temperature
    stored = from_checkpoint(to_checkpoint(calibrated), "run.ckpt")
    assert stored.calibration == calibrated.calibration
    assert stored.spec.decision.calibrate
    seen = oracle.run(stored.spec.network, stored.network.parameters, DATA.test.x, DATA.test.y)
    scaled = seen.preactivations[-1] / hot
    shares = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(40), DATA.test.y]).mean()
    (rows,) = predict.predict(stored, [DATA.test.x], probabilities=True)
    oracle.assert_agree(np.array(rows.probabilities), shares)
    score = evaluate.evaluate(stored, DATA, ("test",), "run.ckpt").splits["test"]
    assert score.loss == pytest.approx(loss, rel=1e-5)
    assert score.metrics["log_loss"].value == pytest.approx(loss, rel=1e-5)
    tested = held_out.test_score(stored, DATA)
    assert tested.loss == pytest.approx(loss, rel=1e-5)
    assert tested.metrics == pytest.approx(score.metrics)
    record = train.result(calibrated, None, DATA)
    assert record.test.loss == pytest.approx(loss, rel=1e-5)
    assert record.calibration == calibrated.calibration


def test_what_is_trained_on_is_the_network_as_it_was(calibrated):
    plain = too_sure()
    leaves = zip(jax.tree.leaves(calibrated.network), jax.tree.leaves(plain.network), strict=True)
    assert all((one == other).all() for one, other in leaves)
    assert plain.answering is plain.network
    refused = replace(calibrated.calibration, kept=False)
    assert replace(calibrated, calibration=refused).answering is calibrated.network


def test_a_threshold_is_of_calibrated_probabilities():
    data = dataset(train=64, validation=60, test=40, classes=2)
    run = train.decided(too_sure(data, calibrate=True, threshold="auto"), data)
    plain = thresholds.decide(too_sure(data, threshold="auto"), data)
    assert run.calibration.kept
    odds = np.log([plain, run.threshold]) - np.log1p([-plain, -run.threshold])
    assert odds[1] == pytest.approx(odds[0] / run.calibration.temperature, rel=1e-4)


def test_without_it_nothing_is_stored():
    stored = to_checkpoint(snapshot(spec(), data=DATA))
    assert "calibration" not in stored.metadata
    assert "calibrate" not in stored.metadata["spec"]


@pytest.mark.parametrize("hot", [0.0, -1.0, float("inf")])
def test_a_checkpoint_with_an_impossible_temperature_is_refused(calibrated, hot):
    wrong = replace(calibrated, calibration=replace(calibrated.calibration, temperature=hot))
    with pytest.raises(CheckpointError, match="its temperature is"):
        from_checkpoint(to_checkpoint(wrong), "run.ckpt")


def test_a_regression_has_no_probabilities():
    one = Quantities(("a",), np.zeros(1), np.ones(1))
    numbers = replace(DATA, quantities=one, class_names=())
    with pytest.raises(SpecError, match="--calibrate: a regression has no probabilities"):
        temperature.check(spec(calibrate=True), numbers)
