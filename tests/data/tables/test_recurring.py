"""What comes again in dates: each part by Python's calendar, and only where it can be learned."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dnncli import data
from dnncli.data.tables import description
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.spec import DataSpec
from dnncli.storage.decoding import decode

BEGIN = datetime(2021, 11, 13, 5)
EPOCH = datetime(1970, 1, 1)
ROWS = 60


def write(folder: Path, dates: list[str]) -> str:
    """A table of dates and a number that has nothing to do with them."""
    lines = [f"{date},{i % 7 + 0.5},{'ab'[i % 2]}" for i, date in enumerate(dates)]
    path = folder / "dates.csv"
    path.write_text("\n".join(["when,n,y", *lines]) + "\n")
    return str(path)


def expected(when: datetime | None, parts: tuple[str, ...]) -> list[float]:
    """The features of a date's parts, by Python's calendar; zeros where there is none."""
    if when is None:
        return [0.0] * (2 * ("season" in parts) + 7 * ("weekday" in parts) + 2 * ("hour" in parts))
    found: list[float] = []
    days = (when - EPOCH) / timedelta(days=1)
    for part in parts:
        if part == "weekday":
            found += [float(when.weekday() == day) for day in range(7)]
        else:
            angle = 2 * np.pi * days / (1 if part == "hour" else 365.2425)
            found += [np.sin(angle), np.cos(angle)]
    return found


@pytest.mark.parametrize(
    ("step", "span", "parts"),
    [
        (timedelta(hours=7, minutes=31), 1, ("weekday", "hour")),
        (timedelta(days=13, hours=5), 1, ("season", "weekday", "hour")),
        (timedelta(days=13), 1, ("season", "weekday")),
        (timedelta(days=14), 1, ("season",)),
        (timedelta(days=1), 1, ("weekday",)),
        (timedelta(minutes=20), 1, ()),  # within a day nothing comes again
        (timedelta(days=0.2), 10, ()),  # of one moment in all rows, and one day later
    ],
)
@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S"])
def test_each_cell_is_the_calendars_and_parts_are_those_that_vary_and_come_again(
    tmp_path: Path, step: timedelta, span: int, parts: tuple[str, ...], written: str
) -> None:
    times = [BEGIN + step * (i // span) for i in range(ROWS)]
    found = data.load(
        DataSpec(data=write(tmp_path, [time.strftime(written) for time in times]), scale="none"),
        whole=True,
    )
    assert found.encoding is not None
    column = found.encoding.columns[0]
    assert column.parts == parts
    middle = EPOCH + timedelta(days=column.center)
    cells = [[(time - middle) / timedelta(days=1), *expected(time, parts)] for time in times]
    width = len(column.features)
    np.testing.assert_allclose(found.train.x[:, :width], cells, atol=2e-5)
    assert len(set(found.encoding.features)) == found.features


def test_a_missing_date_has_no_part_and_new_rows_are_read_as_the_training_table_was(
    tmp_path: Path,
) -> None:
    times = [None if i == 5 else BEGIN + timedelta(days=9, hours=5) * i for i in range(ROWS)]
    texts = ["" if time is None else f"{time}" for time in times]
    spec = DataSpec(data=write(tmp_path, texts), scale="none")
    found = data.load(spec, whole=True)
    assert found.encoding is not None
    parts = found.encoding.columns[0].parts
    cells = [[*expected(time, parts), float(time is None)] for time in times]
    np.testing.assert_allclose(found.train.x[:, 1:13], cells, atol=1e-6)
    (record, *_) = description.describe(spec).columns
    assert record.encoding.endswith(
        ", scaled, season, weekday, hour; median where missing, and an indicator"
    )
    assert record.features == 13
    again = data.load(
        DataSpec(data=write(tmp_path, texts[:9]), scale="none"), found.encoding, whole=True
    )
    np.testing.assert_array_equal(again.train.x, found.train.x[:9])


def test_a_checkpoint_of_before_has_no_parts_and_says_nothing_of_them() -> None:
    old = Encoding((Column("when", "time"), Column("n", "number")), "y", ("a", "b"))
    assert all("parts" not in column for column in old.json()["columns"])
    assert decode(Encoding, json.loads(json.dumps(old.json())), "encoding") == old
    new = Encoding((Column("when", "time", parts=("season", "hour")),), "y", ("a", "b"))
    assert decode(Encoding, json.loads(json.dumps(new.json())), "encoding") == new
    assert new.features == (
        *("when", "when season sine", "when season cosine"),
        *("when hour sine", "when hour cosine"),
    )


@pytest.mark.parametrize(
    ("kind", "parts"), [("number", ("hour",)), ("time", ("moon",)), ("time", ("hour", "hour"))]
)
def test_parts_that_no_column_has_are_refused(kind: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no possible encoding"):
        Column("when", kind, parts=parts)
