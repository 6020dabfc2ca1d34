"""Types and shapes of the package are checked, or no other test would tell of a wrong one."""

from collections.abc import Iterator
from dataclasses import dataclass

import jaxtyping
import numpy as np
import pytest
from checking import checked
from jaxtyping import Float

from dnncli.data import Scaling
from dnncli.nn.reductions import largest
from dnncli.records import Difference

wrong = pytest.raises(TypeError, match="violates type hint")
VECTOR = np.zeros(3)
LONGER = np.zeros(4)


@checked
def added(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.concatenate([x, y])[: 2 * len(x) - 3]


@checked
def named(x: int, *rest: int, scale: float = 1, **others: str) -> str:
    return others["text"] if others else (x, rest, scale)


@checked
def generated(sizes: "list[int]") -> Iterator[Float[np.ndarray, " n"]]:
    yield from map(np.zeros, sizes)


def nested(result):
    @checked
    def inner(x: int) -> int:
        return result

    return inner


def defaulted(value):
    @checked
    def inner(*, y: int = value) -> int:
        return y

    return inner


@checked
@dataclass(frozen=True)
class Pair:
    one: Float[np.ndarray, " n"]
    two: Float[np.ndarray, " n"]
    name: str = "pair"


def test_shapes_of_one_call_agree():
    assert added(VECTOR, VECTOR).shape == (3,)
    with wrong:
        added(VECTOR, LONGER)
    with wrong:
        added(VECTOR, [0.0])
    with wrong:  # what it returns is longer
        added(LONGER, LONGER)
    assert added(VECTOR, y=VECTOR).shape == (3,)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [(("1",), {}), ((1, "2"), {}), ((1,), {"scale": "3"}), ((1,), {"text": 4}), ((1,), {})],
)
def test_every_kind_of_parameter_is_checked_and_what_is_returned(arguments, options):
    assert named(1, 2, scale=3, text="4") == "4"
    with wrong:
        named(*arguments, **options)


def test_a_generators_sizes_are_its_own():
    assert [len(x) for x in generated([3, 4])] == [3, 4]
    with wrong:
        generated((3, 4))


def test_closures_are_checked_each():
    right, other = nested(1), nested("text")
    assert right(0) == 1
    with wrong:
        other(0)
    with wrong:
        right("0")


def test_closures_keep_their_own_defaults():
    assert [defaulted(value)() for value in (1, 2)] == [1, 2]


def test_dataclasses_are_checked_when_they_are_made():
    assert Pair(VECTOR, VECTOR).name == "pair"
    with wrong:
        Pair(VECTOR, LONGER)
    with wrong:
        Pair(VECTOR, VECTOR, name=1)


def test_the_package_is_checked():
    with wrong:
        largest(tree=["no array"])
    with wrong:
        Scaling("none", np.zeros(3, np.float32), np.ones(4, np.float32))
    with wrong:
        Difference("0", 0.0, 0.0, None, 1)


def test_checks_are_left_out_where_jaxtypings_are():
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        assert len(added(VECTOR, LONGER)) == 3
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    with wrong:
        added(VECTOR, LONGER)
