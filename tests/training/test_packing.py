"""Stacks of equal layers train as the layers one by one do, and resume to the bit."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from problems import dataset, spec

from dnncli.nn import stacks
from dnncli.storage import checkpoint
from dnncli.training import checkpointing, packing, phases, placement, replay, run

DATA = dataset(train=40, validation=20)
DEEP = {"hidden": (6,) * 6, "batch_size": 12, "epochs": 2}
# Everything that looks at layers one by one is on in one or the other.
CASES = {
    "clipped": {"act": "elu", "clip_value": 0.01, "clip_norm": 0.02, "l2": 1e-3, "max_norm": 1.5},
    "normalised": {
        "act": "prelu",
        "bn": True,
        "dropout": 0.2,
        "optimizer": "adamw",
        "weight_decay": 0.1,
        "clip_global_norm": 0.5,
    },
}


@pytest.fixture(autouse=True, scope="module")
def fast(quick_compilation):
    return quick_compilation


def trained(options, epochs=2):
    """The run after some epochs."""
    start = run.start(spec(**DEEP, **options), DATA)
    progress = None
    for progress in run.run(start, DATA):
        if progress.record.epoch == epochs:
            break
    return progress.snapshot


def numbers(records):
    """All figures of a run's epochs and layers."""
    found = []
    for record in records:
        found += [record.train_loss, record.val_loss]
        for layer in record.layers:
            found += [value for value in vars(layer).values() if isinstance(value, float)]
    return np.array(found)


@pytest.fixture(params=CASES)
def both(request, monkeypatch):
    """A run with each layer by itself, and the same with stacks."""
    unrolled = trained(CASES[request.param])
    monkeypatch.setattr(stacks, "UNROLLED", 4)
    return CASES[request.param], unrolled, trained(CASES[request.param])


def test_stacks_train_as_layers_one_by_one_do(both, tmp_path):
    options, unrolled, stacked = both
    expected = jax.tree.leaves(placement.fetch((unrolled.state, unrolled.network)))
    found = jax.tree.leaves(placement.fetch((stacked.state, stacked.network)))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    figures = numbers(stacked.history.epochs), numbers(unrolled.history.epochs)
    np.testing.assert_allclose(*figures, rtol=1e-4, atol=1e-6)
    dead = [layer.dead_fraction for layer in stacked.history.epochs[-1].layers]
    assert dead == [layer.dead_fraction for layer in unrolled.history.epochs[-1].layers]
    if "bn" in options:
        return
    # Resumed from a checkpoint after its first epoch, it ends in the same bytes.
    path = tmp_path / "net.ckpt"
    checkpoint.write(path, checkpointing.to_checkpoint(trained(options, epochs=1)))
    stored = checkpointing.from_checkpoint(checkpoint.read(path), path)
    *_, last = run.run(stored, DATA)
    again = jax.tree.leaves(placement.fetch(last.snapshot.state))
    state = jax.tree.leaves(placement.fetch(stacked.state))
    assert all(np.array_equal(*pair) for pair in zip(again, state, strict=True))


def test_a_state_is_packed_and_unpacked_to_the_bit(monkeypatch):
    start = run.start(spec(**DEEP, **CASES["normalised"]), DATA)
    program = phases.program(start.spec, 40, 0)
    assert packing.packed(program, start.state) is start.state
    monkeypatch.setattr(stacks, "UNROLLED", 4)
    packed = packing.packed(program, start.state)
    # There are six features, so the first layer is as the others.
    assert [stacks.count(layer) for layer in packed.network.parameters] == [6, 1]
    assert packing.packed(program, packed) is packed
    back = packing.unpacked(packed)
    assert jax.tree.structure(back) == jax.tree.structure(start.state)
    pairs = zip(jax.tree.leaves(back), jax.tree.leaves(start.state), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


def test_layers_of_equal_shapes_stand_together_but_for_the_output(monkeypatch):
    monkeypatch.setattr(stacks, "UNROLLED", 1)
    sizes = [3, 3, 5, 5, 5, 3, 3]
    kernels = [np.zeros(pair) for pair in pairwise(sizes)]
    assert stacks.runs(kernels) == (1, 1, 2, 1, 1)
    assert sum(stacks.runs(kernels)) == len(kernels)


def test_a_divergence_in_a_stack_is_told_by_its_layer(monkeypatch):
    monkeypatch.setattr(stacks, "UNROLLED", 4)
    start = run.start(spec(**DEEP, **CASES["clipped"]), DATA)
    state = placement.fetch(start.state)
    layers = list(state.network.parameters)
    kernel = np.array(layers[4].kernel)
    kernel[0, 0] = np.inf
    layers[4] = layers[4]._replace(kernel=kernel)
    broken = state._replace(network=state.network._replace(parameters=tuple(layers)))
    blocks = (placement.block(DATA.train), placement.block(DATA.validation))
    finding, _ = replay.first_nonfinite_step(phases.begin(start, *blocks, 0), broken, 0)
    assert finding.layer == "hidden5"
