"""Forward passes over a whole set, in pieces, give what one pass in float64 gives."""

import jax
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree

from dnncli.nn import inference, network
from dnncli.nn.inference import EVALUATION_ROWS
from dnncli.spec import UpdateSpec
from dnncli.training import engine
from dnncli.training.program import Program


@pytest.fixture(scope="module")
def trained():
    spec = subjects.network_spec("elu", "bn everywhere")
    return spec, subjects.state(Program(spec, UpdateSpec(), 8, None))


@pytest.mark.parametrize("examples", [1, EVALUATION_ROWS, 2 * EVALUATION_ROWS + 5])
def test_an_evaluation_in_chunks_is_that_of_all_examples_at_once(examples, trained):
    spec, state = trained
    block = subjects.block(examples)
    score, _ = engine.compiled_answer(spec, "cross-entropy", state.network, block)
    exact = oracle.run(
        spec,
        state.network.parameters,
        np.asarray(block.x),
        np.asarray(block.y),
        state.network.statistics,
    )
    assert_agree(score.loss, exact.loss)
    assert score.metrics["accuracy"] == pytest.approx(
        exact.accuracy, abs=1.5 / examples if examples > 1000 else 1e-6
    )
    logits = inference.compiled_logits(spec, state.network, block.x)
    assert_agree(logits, exact.preactivations[-1])


def test_an_evaluation_does_not_drop_out(trained):
    spec, state = trained
    dropping = subjects.network_spec("elu", "bn everywhere", dropout=0.5)
    block = subjects.block(33)
    scores = [inference.logits(s, state.network, block.x) for s in (spec, dropping)]
    np.testing.assert_array_equal(*scores)


def test_an_examples_logits_do_not_depend_on_its_company(trained):
    spec, state = trained
    x = subjects.block(33).x
    every = inference.logits(spec, state.network, x)
    alone = inference.logits(spec, state.network, x[7:8])
    np.testing.assert_allclose(every[7:8], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("examples", "size"), [(60, 20), (71, 64), (5, 1)])
def test_batch_statistics_are_the_mean_of_the_batches_own_moments_by_their_sizes(
    examples, size, trained
):
    spec, state = trained
    block = subjects.block(examples)
    actual = inference.compiled_batch_statistics(spec, state.network.parameters, block.x, size)
    x, y = np.asarray(block.x), np.asarray(block.y)
    parts = [
        (
            oracle.run(spec, state.network.parameters, x[i : i + size], y[i : i + size]).statistics,
            len(y[i : i + size]),
        )
        for i in range(0, examples, size)
    ]
    weighted = [jax.tree.map(lambda m, n=n: m * n / examples, moments) for moments, n in parts]
    assert_agree(actual, jax.tree.map(lambda *terms: sum(terms), *weighted))


def test_population_statistics_are_the_exact_moments_of_the_whole_set(trained):
    spec, state = trained
    block = subjects.block(1025)
    actual = inference.compiled_population_statistics(spec, state.network.parameters, block.x)
    exact = oracle.run(spec, state.network.parameters, np.asarray(block.x), np.asarray(block.y))
    assert_agree(actual, exact.statistics)
    # With them, batch norm in use is batch norm as in training on one batch of everything.
    logits = inference.compiled_logits(spec, state.network._replace(statistics=actual), block.x)
    assert_agree(logits, exact.preactivations[-1])


def test_layers_without_batch_norm_have_no_statistics():
    spec = subjects.network_spec("elu", "bn")
    parameters, _ = network.init(spec, 5, 3, seed=0)
    statistics = inference.compiled_population_statistics(spec, parameters, subjects.block(9).x)
    assert [moments is None for moments in statistics] == [False, False, True]
