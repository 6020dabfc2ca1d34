"""Whether columns that are matched by their places can be those that a network was trained on."""

import numpy as np
from jaxtyping import Float64, Int64

from dnncli.data.tables import encoder
from dnncli.data.tables.encoding import Encoding
from dnncli.errors import DataError

TEXT = encoder.ISSUES.index("text")


def check(
    location: str,
    known: Encoding,
    values: Float64[np.ndarray, "rows columns"],
    *,
    header_given: bool,
) -> None:
    """Raise DataError for a first line of names, and for columns that are others than in training.

    values: the first rows, as `encoder.encode` takes them. header_given: the user said whether the
    first line names the columns.
    """
    numbers = [i for i, column in enumerate(known.columns) if not column.categorical]
    words = values[:, numbers] == encoder.TEXT
    first = words[:1].any()
    if first and not words[1:].any() and not header_given:
        raise DataError(
            f"{location}: its first line has words where the network was trained on numbers: give"
            " --header if it names the columns, or --no-header if it is a row."
        )
    issues = np.zeros((len(encoder.ISSUES), len(known.columns)), np.int64)
    issues[TEXT, numbers] = words.sum(axis=0)
    check_numbers(location, known, issues, len(values))


def check_numbers(
    location: str, known: Encoding, issues: Int64[np.ndarray, "issues columns"], rows: int
) -> None:
    """Raise DataError where a column of numbers has none in several rows, as it had in training."""
    wrong = np.flatnonzero(issues[TEXT] == rows)
    if rows > 1 and len(wrong):
        raise DataError(
            f"{location}: {known.columns[wrong[0]].name!r} has no number, as it had in training."
            " The network was trained on a table without names of columns, so they are matched by"
            f" their places: give them in its order: {', '.join(known.layout)}."
        )
