"""Values to features, against a plain loop over rows and columns."""

import numpy as np
import pytest

from dnncli.data.tables import encoder
from dnncli.data.tables.encoder import ISSUES, TEXT
from dnncli.data.tables.encoding import Column, Encoding

NUMBERS = [np.nan, np.inf, -np.inf, TEXT, 0.5, -3.0, 1e30]


def drawn_column(rng: np.random.Generator, place: int) -> Column:
    missing = bool(rng.integers(2))
    if rng.integers(2):
        return Column(f"c{place}", "text", tuple("abc"[: rng.integers(4)]), missing=missing)
    kind = ("number", "time")[rng.integers(2)]
    center = float(rng.normal()) if rng.integers(2) else 0.0
    return Column(f"c{place}", kind, median=float(rng.normal()), center=center, missing=missing)


def drawn_value(rng: np.random.Generator, column: Column) -> float:
    if column.categorical:
        return float(rng.integers(-1, len(column.levels) + 1))
    return float(rng.choice(NUMBERS))


def features(column: Column, value: float) -> tuple[list[float], str | None]:
    """One value's features, and why it was replaced."""
    if column.categorical:
        own = [float(value == i) for i in range(len(column.levels))]
        other = value == len(column.levels) or (value == -1 and not column.missing)
        missed = "missing" if value == -1 and not column.missing else None
        issue = "other" if value == len(column.levels) else missed
        return [*own, float(other), *([float(value == -1)] if column.missing else [])], issue
    usable = np.isfinite(value) and value != TEXT
    issue = (
        None if usable else "text" if value == TEXT else "large" if np.isinf(value) else "missing"
    )
    shown = [np.float32((value if usable else column.median) - column.center)]
    return [*shown, *([float(not usable)] if column.missing else [])], (
        None if issue == "missing" and column.missing else issue
    )


@pytest.mark.parametrize("seed", range(60))
def test_features_are_those_of_a_loop_over_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = tuple(drawn_column(rng, place) for place in range(rng.integers(1, 6)))
    encoding = Encoding(columns, "y", ("p", "q"))
    rows = [[drawn_value(rng, column) for column in columns] for _ in range(rng.integers(0, 9))]
    values = np.array(rows, np.float64).reshape(len(rows), len(columns))
    x, issues = encoder.encode(encoder.layout(encoding), values)
    assert x.shape == (len(rows), len(encoding.features))
    expected_issues = np.zeros((len(ISSUES), len(columns)), int)
    for row, found in zip(rows, x, strict=True):
        pairs = [features(column, v) for column, v in zip(columns, row, strict=True)]
        np.testing.assert_array_equal(found, np.concatenate([part for part, _ in pairs]))
        for place, (_, issue) in enumerate(pairs):
            if issue:
                expected_issues[ISSUES.index(issue), place] += 1
    np.testing.assert_array_equal(issues, expected_issues)


def test_a_category_always_has_exactly_one_feature_on() -> None:
    column = Column("c", "text", ("a", "b"), missing=True)
    values = np.array([[-1], [0], [1], [2]], np.float64)
    x, _ = encoder.encode(encoder.layout(Encoding((column,), "y", ("p",))), values)
    np.testing.assert_array_equal(x, np.eye(4)[[3, 0, 1, 2]])


def test_doubles_become_singles_and_what_is_too_large_infinite() -> None:
    found = encoder.singles(np.array([[0.1, 1e39, -1e300, np.nan]]))
    np.testing.assert_array_equal(
        found, np.array([[np.float32(0.1), np.inf, -np.inf, np.nan]], np.float32)
    )
