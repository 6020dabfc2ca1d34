"""The compiled epoch computes what the oracle, PyTorch and a hand loop of single steps compute."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree

from dnncli import catalog

every_network = pytest.mark.parametrize("bn", [False, True], ids=["plain", "batch norm"])
every_activation = pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
every_size = pytest.mark.parametrize("examples", subjects.SIZES)


@every_size
@every_network
@every_activation
def test_a_steps_loss_and_every_gradient_are_the_oracles(act, bn, examples):
    step = subjects.one_step(act, bn, examples)
    assert_agree(step.log.losses[0], step.exact.loss, what="loss")
    assert_agree(step.seen.trace.preactivations, step.exact.preactivations, what="z")
    assert_agree(step.seen.trace.activations, step.exact.activations, what="a")
    assert_agree(step.seen.deltas, step.exact.deltas, what="delta")
    assert_agree(step.seen.gradients, step.exact.gradients, what="gradient")
