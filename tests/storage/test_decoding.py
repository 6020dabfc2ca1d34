"""JSON values become dataclasses; a value of a wrong type is refused and its place named."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.storage.decoding import decode


@dataclass(frozen=True)
class Leaf:
    """Something with a field of every kind."""

    name: str
    size: float
    count: int
    on: bool
    note: str | None
    pairs: dict[str, tuple[float, float]] = field(default_factory=dict)
    extra: Any = None


@dataclass(frozen=True)
class Tree:
    """Something that contains itself."""

    leaves: tuple[Leaf, ...]
    amount: int | float | None = None
    below: "Tree | None" = None


LEAVES = st.builds(
    Leaf,
    st.text(max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.booleans(),
    st.none() | st.text(max_size=3),
    st.dictionaries(st.text(max_size=2), st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=2),
)
TREES = st.recursive(
    st.builds(
        Tree, st.lists(LEAVES, max_size=2).map(tuple), st.none() | st.integers() | st.floats(0, 1)
    ),
    lambda trees: st.builds(Tree, st.just(()), st.none(), trees),
    max_leaves=4,
)


@given(TREES)
def test_what_was_a_dataclass_is_one_again(tree):
    assert decode(Tree, json.loads(json.dumps(asdict(tree))), "tree") == tree


GOOD = {"name": "a", "size": 1.5, "count": 2, "on": True, "note": None, "pairs": {"x": [1.0, 2.0]}}


def test_numbers_that_json_lacks_come_as_strings():
    values = [decode(float, text, "x") for text in ("nan", "inf", "-inf")]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


def test_a_whole_number_will_do_for_a_float_and_becomes_one():
    value = decode(float, 3, "x")
    assert (value, type(value)) == (3.0, float)


def test_what_may_be_none_may_be_absent():
    assert (
        decode(Leaf, {key: value for key, value in GOOD.items() if key != "note"}, "leaf").note
        is None
    )


def test_defaults_stand_for_what_is_absent():
    assert (
        decode(Leaf, {key: value for key, value in GOOD.items() if key != "pairs"}, "leaf").pairs
        == {}
    )


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": 1}, "leaf.name is a int, not a str"),
        ({"name": None}, "leaf.name is a NoneType, not a str"),
        ({"size": "1.5"}, "leaf.size is a str, not a float"),
        ({"size": True}, "leaf.size is a bool, not a float"),
        ({"size": []}, "leaf.size is a list, not a float"),
        ({"count": 2.0}, "leaf.count is a float, not a int"),
        ({"count": True}, "leaf.count is a bool, not a int"),
        ({"on": 1}, "leaf.on is a int, not a bool"),
        ({"note": 1}, "leaf.note is a int, not a str"),
        ({"pairs": []}, "leaf.pairs is a list, not a dict"),
        ({"pairs": {"x": [1.0]}}, "leaf.pairs.x has 1 entries, not 2"),
        ({"pairs": {"x": [1.0, {}]}}, r"leaf.pairs.x\[1\] is a dict, not a float"),
        ({"strange": 1}, "leaf has no strange"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_place(changes, place):
    with pytest.raises(TypeError, match=f"^{place}$"):
        decode(Leaf, GOOD | changes, "leaf")


@pytest.mark.parametrize("value", [None, [], "x", 3, [1]])
def test_an_object_must_be_one(value):
    with pytest.raises(TypeError, match="leaf"):
        decode(Leaf, value, "leaf")


def test_what_is_missing_is_refused():
    with pytest.raises(TypeError, match="size"):
        decode(Leaf, {key: value for key, value in GOOD.items() if key != "size"}, "leaf")


def test_the_place_counts_through_lists():
    with pytest.raises(TypeError, match=r"^tree\.leaves\[1\]\.count is a str"):
        decode(Tree, {"leaves": [GOOD, GOOD | {"count": "2"}]}, "tree")
