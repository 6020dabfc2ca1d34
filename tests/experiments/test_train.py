"""What `train` makes of a run: its result however it ended, its checkpoint, and how it goes on."""

import math
import re
from dataclasses import replace

import numpy as np
import oracle
import pytest
from problems import dataset, spec

from dnncli import __version__, theory
from dnncli.errors import SpecError
from dnncli.experiments import train as training
from dnncli.storage import checkpoint
from dnncli.training import checkpointing, compilation_cache
from dnncli.training import run as runs

DATA = dataset(train=70, validation=20)


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    """Tests that train the same network compile it once."""
    compilation_cache.enable()


def train(run_spec, stop_on=(), data=DATA):
    start = runs.start(run_spec, data)
    return start, list(runs.run(start, data, stop_on))


@pytest.fixture(scope="module")
def done():
    """A run of three epochs with its end and its result."""
    start, told = train(spec())
    return start, told, training.result(told[-1].snapshot, told[-1], DATA)


class TestTheResult:
    def test_it_tells_every_option_and_what_was_learned_from(self, done):
        start, _, result = done
        assert result.config == start.spec.options()
        assert result.data == DATA.record()
        assert result.parameters == (6 * 7 + 7) + (7 * 5 + 5) + (5 * 3 + 3)

    def test_it_has_every_epoch_and_the_first_step(self, done):
        _, told, result = done
        assert result.epochs == tuple(each.record for each in told)
        assert result.initial == told[-1].snapshot.history.initial
        assert result.best_epoch == told[-1].snapshot.history.best_epoch
        assert result.stopped == "epochs"
        assert result.checkpoint is None  # whoever saves it says where

    def test_the_test_score_is_the_best_epochs_network_on_the_test_set(self, done):
        start, told, result = done
        end = told[-1].snapshot
        seen = oracle.run(start.spec.network, end.network.parameters, DATA.test.x, DATA.test.y)
        assert result.test.loss == pytest.approx(seen.loss, rel=1e-5)
        assert result.test.accuracy == pytest.approx(seen.accuracy, abs=1e-6)

    def test_the_test_score_has_every_metric_with_its_interval(self, done):
        _, _, result = done
        found = result.test.metrics
        assert found["accuracy"].value == pytest.approx(result.test.accuracy)
        assert found["log_loss"].value == pytest.approx(result.test.loss, rel=1e-5)
        assert all(one.low <= one.value <= one.high for one in found.values())
        assert (result.headline, result.positive) == ("accuracy", None)

    def test_it_holds_theory_for_the_datas_own_second_moment(self, done):
        start, _, result = done
        exact = float(np.mean(DATA.train.x.astype(np.float64) ** 2))
        assert result.prediction.delta_ratio == pytest.approx(
            theory.predict(start.spec.network, 6, 3, exact).delta_ratio, rel=1e-9
        )

    def test_its_seconds_are_those_of_its_epochs_and_their_compilation(self, done):
        _, told, result = done
        assert result.seconds.train == pytest.approx(sum(each.record.seconds for each in told))
        assert result.seconds.compile == told[-1].compile_seconds > 0

    def test_a_network_that_learns_is_healthy(self):
        _, told = train(spec(epochs=60, lr=0.01, patience=3))
        result = training.result(told[-1].snapshot, told[-1], DATA)
        assert result.health.learned.verdict == "learned"
        assert result.health.verdict == "healthy"
        assert not result.health.findings

    def test_health_is_the_last_epochs(self):
        _, told = train(spec(act="tanh", lr=0.3, epochs=6))
        early, late = (
            training.result(each.snapshot, each, DATA).health for each in (told[0], told[-1])
        )
        assert "saturated" not in [finding.rule for finding in early.all_findings()]
        assert "saturated" in [finding.rule for finding in late.all_findings()]

    def test_a_run_that_lost_patience_says_so(self):
        _, told = train(spec(act="tanh", lr=0.3, epochs=6, patience=1, min_delta=9.0))
        result = training.result(told[-1].snapshot, told[-1], DATA)
        assert (result.stopped, len(result.epochs), result.best_epoch) == ("patience", 2, 1)

    def test_inputs_that_are_all_the_same_are_a_finding(self):
        nothing = dataset(
            train=70, validation=20, transform=np.zeros_like
        )  # as --scale standard makes them
        _, told = train(spec(act="tanh", epochs=1), data=nothing)
        result = training.result(told[-1].snapshot, told[-1], nothing)
        first = result.health.findings[0]
        assert (result.health.verdict, first.rule, first.remedy) == ("inputs", "inputs", None)
        assert first.evidence.startswith("all 6 features are constant")
        assert result.prediction.reason


class TestInterruption:
    def test_between_epochs_the_result_is_what_was_reached_without_a_test_score(self, done):
        _, told, _ = done
        result = training.result(told[1].snapshot, told[1], DATA, interrupted=True)
        assert (result.stopped, result.test, len(result.epochs)) == ("signal", None, 2)
        assert result.health.verdict == "healthy"

    def test_before_the_first_epoch_nothing_is_known(self, done):
        start, *_ = done
        result = training.result(start, None, DATA, interrupted=True)
        assert (result.stopped, result.test, result.epochs, result.best_epoch) == (
            "signal",
            None,
            (),
            0,
        )
        assert result.health.verdict == "unknown"
        assert result.seconds.train == 0


class TestDivergence:
    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_the_result_is_of_the_last_finite_epoch_and_the_verdict_names_the_crash(
        self, optimizer
    ):
        start, (progress,) = train(spec(optimizer=optimizer, lr=1e6))
        result = training.result(progress.snapshot, progress, DATA)
        assert result.stopped == "diverged"
        assert result.health.verdict == "unstable"
        assert progress.cause in result.health.findings[0].symptoms
        assert result.health.divergence().evidence == progress.cause.evidence
        assert result.health.findings[0].remedy.changes["lr"] < 1
        assert result.epochs == (progress.record,)
        assert result.best_epoch == 0
        untrained = oracle.run(
            start.spec.network, start.network.parameters, DATA.test.x, DATA.test.y
        )
        assert result.test.loss == pytest.approx(untrained.loss, rel=1e-5)

    def test_its_checkpoint_holds_the_last_finite_state_and_the_flight(self, tmp_path):
        start, (progress,) = train(spec(optimizer="sgd", lr=1e6))
        path = tmp_path / "crash.ckpt"
        training.save(progress.snapshot, path)
        stored = checkpointing.from_checkpoint(checkpoint.read(path), path)
        assert [step.step for step in stored.steps] == [
            step.step for step in progress.snapshot.steps
        ]
        assert not math.isfinite(stored.steps[-1].loss)
        for kept, before in zip(
            stored.state.network.parameters, start.state.network.parameters, strict=True
        ):
            np.testing.assert_array_equal(kept.kernel, before.kernel)


def test_the_condition_that_ended_a_run_comes_first_with_its_step():
    _, told = train(spec(act="tanh", lr=0.3, epochs=6), stop_on=("saturated",))
    result = training.result(told[-1].snapshot, told[-1], DATA)
    assert (result.stopped, result.health.verdict) == ("condition", "saturated")
    assert result.health.findings[0] == told[-1].cause
    assert [finding.rule for finding in result.health.findings].count("saturated") == 1
    assert re.search(r"since epoch \d+, step \d+$", result.health.findings[0].evidence)


class TestGoingOn:
    @pytest.fixture
    def stored(self, done, tmp_path):
        """The run as it comes back from its checkpoint."""
        path = tmp_path / "run.ckpt"
        training.save(done[1][-1].snapshot, path)
        return checkpointing.from_checkpoint(checkpoint.read(path), path)

    def test_more_epochs_continue_where_it_ended(self, stored):
        longer = training.resumed(stored, DATA, epochs=5)
        told = list(runs.run(longer, DATA))
        assert [each.record.epoch for each in told] == [4, 5]
        assert len(told[-1].snapshot.history.epochs) == 5

    def test_they_are_the_epochs_a_longer_run_would_have_had(self, stored):
        *_, resumed = runs.run(training.resumed(stored, DATA, epochs=5), DATA)
        *_, straight = train(spec(epochs=5))[1]
        for one, other in zip(
            resumed.snapshot.history.epochs, straight.snapshot.history.epochs, strict=True
        ):
            assert replace(one, seconds=None) == replace(other, seconds=None)

    def test_patience_and_min_delta_may_be_given_anew(self, stored):
        spec = training.resumed(stored, DATA, epochs=9, patience=1, min_delta=0.5).spec
        assert (spec.schedule.epochs, spec.stopping.patience, spec.stopping.min_delta) == (
            9,
            1,
            0.5,
        )
        assert (
            replace(spec, schedule=stored.spec.schedule, stopping=stored.spec.stopping)
            == stored.spec
        )
        assert training.resumed(stored, DATA).spec == stored.spec

    def test_other_data_are_refused(self, stored):
        with pytest.raises(SpecError, match="--resume: the data are not those of the checkpoint"):
            training.resumed(stored, replace(DATA, fingerprint="0" * 64))

    def test_the_checkpoint_says_what_the_numbers_depend_on(self, done):
        versions = checkpointing.to_checkpoint(done[1][-1].snapshot).metadata["versions"]
        assert versions["dnncli"] == __version__
        assert {"jax", "jaxlib", "numpy", "optax", "python", "device", "threads"} < set(versions)


class TestTheory:
    def test_a_critical_initialisation_says_what_it_chose(self):
        line = training.chosen_variances(spec(act="sigmoid", init="critical"), DATA)
        assert line.startswith("critical for sigmoid: σ_w² = ")
        assert training.chosen_variances(spec(act="sigmoid", init="xavier"), DATA) is None

    def test_a_critical_initialisation_that_does_not_exist_is_refused_before_training(self):
        for refuse in (runs.start, training.predict, training.chosen_variances):
            with pytest.raises(SpecError, match="softplus has no critical point"):
                refuse(spec(act="softplus", init="critical"), DATA)

    def test_an_untrained_critical_network_has_the_variances_it_was_promised(self):
        wide = spec(act="sigmoid", init="critical", hidden=(400, 400))
        chosen = theory.critical(wide.network, DATA.train.second_moment).layers
        for layer, promise in zip(runs.start(wide, DATA).network.parameters, chosen, strict=True):
            fan_in = layer.kernel.shape[0]
            assert fan_in * layer.kernel.var() == pytest.approx(promise.weight_variance, rel=0.1)
