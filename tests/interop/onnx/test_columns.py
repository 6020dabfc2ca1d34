"""A table's columns as inputs of a graph: the features are those that are written down here."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from dnncli.data.tables import sql
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.interop import spellings

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from dnncli.interop.onnx import columns  # noqa: E402
from dnncli.interop.onnx.graph import Graph  # noqa: E402

DAY = 19_000.25  # days since 1970: in float32 alone a quarter of a day would be lost to rounding


def features(table, *described):
    """What a graph makes of columns by name, each a list of values."""
    encoding = Encoding(described, "target", ("a", "b"))
    graph = Graph(("f",))
    value = columns.features(graph, encoding)
    graph.output(value, "f", "float", [len(encoding.features)], "")
    session = runtime.InferenceSession(graph.model("", {}).SerializeToString())
    types = {i.name: object if i.type == "tensor(string)" else float for i in session.get_inputs()}
    rows = {name: np.array(table[name], types[name])[:, None] for name in types}
    return session.run(None, rows)[0].tolist()


def test_numbers_take_the_median_where_they_are_missing_marked_or_not_finite():
    column = Column("n", "number", median=7.5, missing=True, marks=("-9", "none", "999.0"))
    other = Column("m", "number", median=1.0)
    values = [1.25, np.nan, -9, np.inf, 1e300, 999, 0]
    found = features({"n": values, "m": [np.nan, *range(6)]}, column, other)
    assert [row[:2] for row in found] == [
        [1.25, 0],
        [7.5, 1],
        [7.5, 1],
        [7.5, 1],
        [7.5, 1],
        [7.5, 1],
        [0, 0],
    ]
    assert [row[2] for row in found] == [1, 0, 1, 2, 3, 4, 5]


def test_what_lies_far_from_0_is_centred_in_float64():
    column = Column("day", "time", median=DAY, center=DAY)
    tick = 1 / 86_400
    found = features({"day": [DAY + tick, DAY - 3 * tick, np.nan]}, column)
    assert np.ravel(found) == pytest.approx([tick, -3 * tick, 0], rel=1e-5)


def test_what_comes_again_in_a_time_is_taken_of_its_own_day():
    parts = ("season", "weekday", "hour")
    column = Column("day", "time", median=DAY, center=DAY, missing=True, parts=parts)
    days = [-0.5, 0.0, 19_000.75, 19_001.0, np.nan]  # from 1969-12-31 noon, a Wednesday
    found = np.array(features({"day": days}, column))
    assert found.shape == (5, 13)
    dates = [date(1970, 1, 1) + timedelta(math.floor(day)) for day in days[:4]]
    assert found[:4, 3:10].argmax(axis=1).tolist() == [day.weekday() for day in dates]
    assert found[:4, 3:10].sum(axis=1).tolist() == [1] * 4
    angles = 2 * np.pi * np.array(days[:4])
    waves = [f(angles / period) for period in (365.2425, 1) for f in (np.sin, np.cos)]
    np.testing.assert_allclose(found[:4, [1, 2, 10, 11]].T, waves, atol=1e-6)
    assert found[4].tolist() == [0] * 12 + [1]


@pytest.mark.parametrize("missing", [False, True])
def test_codes_and_texts_have_a_feature_a_level_one_for_others_and_one_for_missing(missing):
    code = Column("c", "code", levels=("1", "2.5"), missing=missing, marks=("-1",))
    text = Column("t", "text", levels=("x", "true"), missing=missing, marks=("none", "0"))
    codes = [1, 2.5, 3, np.nan, -1]
    texts = ["x", "TRUE", "X", "N/A", "none"]
    absent = [0, 0, 0, 1] if missing else [0, 0, 1]
    head = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    expected = [*(row + [0] * missing for row in head), absent, absent]
    found = features({"c": codes, "t": texts}, code, text)
    assert found == [[*row, *row] for row in expected]


@pytest.mark.parametrize("text", [" x", "x ", " x "])
def test_a_blank_around_a_level_does_not_make_it_another(text):
    column = Column("t", "text", levels=("x",), missing=True)
    assert features({"t": [text]}, column) == [[1, 0, 0]]
    assert features({"t": [text.replace("x", "?")]}, column) == [[0, 0, 1]]


def test_features_stand_in_the_columns_order():
    described = (
        Column("t", "text", levels=("x",)),
        Column("n", "number", missing=True),
        Column("c", "code", levels=("4",), missing=True),
        Column("m", "number"),
    )
    table = {"t": ["x"], "n": [2], "c": [np.nan], "m": [3]}
    assert features(table, *described) == [[1, 0, 2, 0, 0, 0, 1, 3]]


def test_missing_words_are_those_of_the_tables():
    assert set(spellings.MISSING) - {"-nan"} == set(
        sql.MISSING.replace("\\", "").replace("-?", "").split("|")
    )
    assert {"0", "0.0", "none"} <= set(spellings.of_missing(("none", "0")))


@pytest.mark.parametrize("missing", [False, True])
def test_levels_with_effects_give_these_and_0_for_what_is_not_a_level(missing):
    own = {"missing": missing, "by_target": True, "outputs": ("a", "b")}
    effects = ((0.5, -0.25), (3.0, 0.125))
    text = Column("t", "text", levels=("x", "true"), effects=effects, marks=("none",), **own)
    code = Column("c", "code", levels=("1", "2.5"), effects=effects, marks=("-1",), **own)
    table = {
        "t": ["x", "TRUE", "other", "", "none"],
        "c": [1, 2.5, 7, np.nan, -1],
        "n": [1, 2, 3, 4, 5],
    }
    found = features(table, text, Column("n", "number"), code)
    known = [[0.5, 3], [-0.25, 0.125], [0, 0], [0, 0], [0, 0]]
    marks = [[0], [0], [0], [1], [1]] if missing else [[]] * 5
    expected = [[*known[i], *marks[i], table["n"][i], *known[i], *marks[i]] for i in range(5)]
    assert found == expected
