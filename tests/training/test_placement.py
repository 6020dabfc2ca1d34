"""Arrays reach the device and come back as they were, and their shapes are told without copying them."""

from dataclasses import replace

import jax
import numpy as np
import problems
import pytest

from dnncli.data import Scaling, Split
from dnncli.data.features import Unscaled
from dnncli.training import placement


def described(tree):
    return [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize("examples", [1, 40])
def test_the_shapes_of_a_block_are_those_of_the_block_itself(examples):
    split = problems.split(examples)
    values = np.zeros((examples, 6), np.uint8)
    for kind in ("unit", "standard"):
        offset = np.full(6, kind == "standard", np.float32)
        pixels = replace(split, x=Unscaled(values, Scaling(kind, offset, offset + 1)))
        check_shapes(pixels)
    source = np.array([0, 0, 1, 2, 2, 2], np.int32)
    for limit in (None, offset + 1):
        pieces = Scaling("piecewise", offset, offset + 1, limit, source)
        check_shapes(replace(split, x=Unscaled(np.zeros((examples, 3), np.float32), pieces)))
    check_shapes(split)


def check_shapes(split):
    block, shapes = placement.block(split), placement.block_shapes(split)
    assert jax.tree.structure(shapes) == jax.tree.structure(block)
    assert described(shapes) == described(block)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(shapes))


def test_a_block_holds_the_splits_examples():
    split = problems.split(40)
    block = placement.block(split)
    np.testing.assert_array_equal(block.x, split.x)
    np.testing.assert_array_equal(block.y, split.y)
    assert block.base is block.mask is block.weights is None


def test_stacked_shapes_have_an_axis_of_copies_first():
    block = placement.block(problems.split(40))
    stacked = jax.tree.map(lambda leaf: np.stack([leaf] * 3), block)
    assert described(placement.stacked_shapes(block, 3)) == described(stacked)


def test_what_was_put_is_fetched_to_the_bit():
    values = {"a": np.float32([1.5, -0.0, np.inf]), "b": np.arange(4, dtype=np.int32)}
    fetched = placement.fetch(placement.put(values))
    for name, array in values.items():
        assert fetched[name].dtype == array.dtype
        assert fetched[name].tobytes() == array.tobytes()


def test_waiting_gives_the_epochs_info_in_numpy():
    info = placement.wait((jax.numpy.arange(3.0), {"n": jax.numpy.int32(7)}))
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(info))
    assert info[0].tolist() == [0.0, 1.0, 2.0]
    assert info[1]["n"] == 7


def test_weights_of_examples_come_along() -> None:
    weights = np.array([1, 2, 3], np.float32)
    split = Split(np.zeros((3, 2), np.float32), np.zeros(3, np.int32), weights)
    assert placement.block(split).weights.tolist() == [1, 2, 3]
    assert placement.block_shapes(split).weights.shape == (3,)
