"""What moving averages cost, against float64 NumPy: batches by hand, losses by the formula."""

import jax
import numpy as np
import oracle
import pytest
from problems import dataset, snapshot, spec
from scipy import stats

from dnncli.training import moving_averages
from dnncli.training.outcome import together
from dnncli.training.plan import epoch_plan

DATA = dataset(train=40, validation=30)
RUN = snapshot(spec(bn=True, batch_size=16), data=DATA)


def moments_of_batches():
    """Each layer's moments, averaged over the batches of the best epoch, the last one smaller."""
    order = np.asarray(epoch_plan(RUN.spec, RUN.history.best_epoch, 40).order)
    means = None
    for rows in np.split(order, [16, 32]):
        x = DATA.train.x[rows]
        seen = oracle.run(RUN.spec.network, RUN.network.parameters, x, DATA.train.y[rows])
        part = jax.tree.map(lambda value: value * len(rows) / 40, seen.statistics)  # noqa: B023
        means = part if means is None else jax.tree.map(np.add, means, part)
    return means


def losses(statistics):
    """Each held-out example's cross entropy."""
    held_out = together(DATA.validation, DATA.test)
    network = RUN.network
    seen = oracle.run(RUN.spec.network, network.parameters, held_out.x, held_out.y, statistics)
    logits = seen.preactivations[-1]
    known = logits[np.arange(len(held_out)), held_out.y]
    return np.log(np.exp(logits).sum(axis=1)) - known


def test_both_losses_and_how_certain_their_difference_is():
    told = moving_averages.measure(RUN, DATA)
    moving = losses(RUN.network.statistics)
    batch = losses(moments_of_batches())
    assert told.loss == pytest.approx(moving.mean(), rel=1e-4)
    assert told.batch_loss == pytest.approx(batch.mean(), rel=1e-4)
    paired = stats.ttest_rel(moving, batch).statistic
    assert told.standard_errors == pytest.approx(paired, rel=1e-3)
