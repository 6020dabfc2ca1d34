"""From columns' values to features: matrix operations over whole batches of rows."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from dnncli.data.tables.encoding import Encoding

TEXT = np.finfo(np.float32).min  # sql.TEXT: stands for text where a number should be
FLAGS = ("missing", "text", "large", "other")  # what can be amiss with a value
Matrix = Float32[np.ndarray, "rows _"]


class Layout(NamedTuple):
    """Where columns and their features stand: numbers (and times) first, then categories.

    `absent` is the feature of a category's missing values: its own, or that of other levels.
    """

    numbers: Int64[np.ndarray, " numbers"]
    values: Int64[np.ndarray, " numbers"]  # features that hold them
    medians: Float32[np.ndarray, " numbers"]  # less the centers
    centers: Float64[np.ndarray, " numbers"]
    marked: Bool[np.ndarray, " numbers"]  # which have an indicator of missing values …
    indicators: Int64[np.ndarray, " marked"]  # … and the features that are one
    categories: Int64[np.ndarray, " categories"]
    firsts: Int64[np.ndarray, " categories"]  # features of their first levels
    levels: Int64[np.ndarray, " categories"]  # how many they have
    absent: Int64[np.ndarray, " categories"]
    expected: Bool[np.ndarray, " columns"]  # which had missing values in training
    width: int


def layout(encoding: Encoding) -> Layout:
    """The layout of an encoding's features."""
    columns = encoding.columns
    categorical = np.array([column.categorical for column in columns], bool)
    missing = np.array([column.missing for column in columns], bool)
    levels = np.array([len(column.levels) for column in columns], np.int64)
    widths = np.where(categorical, levels + 1, 1) + missing
    ends = np.cumsum(widths)
    starts = ends - widths
    numbers, categories = np.flatnonzero(~categorical), np.flatnonzero(categorical)
    return Layout(
        numbers=numbers,
        values=starts[numbers],
        medians=np.array([columns[i].median - columns[i].center for i in numbers], np.float32),
        centers=np.array([columns[i].center for i in numbers], np.float64),
        marked=missing[numbers],
        indicators=ends[numbers][missing[numbers]] - 1,
        categories=categories,
        firsts=starts[categories],
        levels=levels[categories],
        absent=ends[categories] - 1,
        expected=missing,
        width=int(ends[-1]),
    )


def singles(exact: Float64[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns"]:
    """Values in float32, infinite where they are too large for it."""
    with np.errstate(over="ignore"):
        return exact.astype(np.float32)


def _centred(
    at: Layout, exact: Float64[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "rows columns"]:
    """Values less their columns' centers, in float32; what stands for text stays what it is."""
    moved = np.flatnonzero(at.centers)
    if len(moved):
        exact = exact.copy()
        numbers = exact[:, at.numbers[moved]]
        exact[:, at.numbers[moved]] = np.where(numbers == TEXT, TEXT, numbers - at.centers[moved])
    return singles(exact)


def encode(
    at: Layout, exact: Float64[np.ndarray, "rows columns"]
) -> tuple[Float32[np.ndarray, "rows features"], Int64[np.ndarray, "flags columns"]]:
    """Features, and how often each column had something amiss that training had not.

    Values are numbers, NaN where missing, TEXT or infinite; of categories the level's place, their number
    for any other and -1 where missing.
    """
    values = _centred(at, exact)
    x = np.zeros((len(values), at.width), np.float32)
    flags = np.zeros((len(FLAGS), len(at.expected)), np.int64)
    numbers = values[:, at.numbers]
    usable = np.isfinite(numbers) & (numbers != TEXT)
    x[:, at.values] = np.where(usable, numbers, at.medians)
    x[:, at.indicators] = ~usable[:, at.marked]
    places = values[:, at.categories].astype(np.int64)
    x[np.arange(len(x))[:, None], np.where(places < 0, at.absent, at.firsts + places)] = 1
    flags[0, at.numbers] = np.isnan(numbers).sum(axis=0)
    flags[1, at.numbers] = (numbers == TEXT).sum(axis=0)
    flags[2, at.numbers] = np.isinf(numbers).sum(axis=0)
    flags[0, at.categories] = (places < 0).sum(axis=0)
    flags[3, at.categories] = (places == at.levels).sum(axis=0)
    flags[0, at.expected] = 0
    return x, flags
