"""How people write numbers: one small file of each, with the right values cell by cell."""

from pathlib import Path

import numpy as np
import pytest

from dnncli.data.tables import encoder, reading
from dnncli.data.tables.options import Reading
from dnncli.report.notices import sentences
from dnncli.spec import DataSpec

COUNT = 60
AMOUNTS = [37 + 613 * i for i in range(COUNT)]


def clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def short(amount: int) -> str:
    """As 1.2K; what is under 1,000 as it is."""
    return f"{amount / 1000:.3f}K" if amount >= 1000 else str(amount)


def lakh(amount: int) -> str:
    """As 12,34,567."""
    return f"{amount // 100_000},{amount // 1000 % 100:02d},{amount % 1000:03d}"


NOTATIONS = {
    "clock": ([clock(a) for a in AMOUNTS], [a / 60 for a in AMOUNTS]),
    "long clock": ([f"{clock(a)}:30" for a in AMOUNTS], [(a + 0.5) / 60 for a in AMOUNTS]),
    "before": ([f"-{clock(a)}" for a in AMOUNTS], [-a / 60 for a in AMOUNTS]),
    "multiples": ([short(a) for a in AMOUNTS], AMOUNTS),
    "millions": ([f"€{a / 1000:.1f}{'MK'[i % 2]}" for i, a in enumerate(AMOUNTS)], None),
    "lakh": ([lakh(a + 100_000) for a in AMOUNTS], [a + 100_000 for a in AMOUNTS]),
    "powers": ([f"{a:.3E}".replace(".", ",") for a in AMOUNTS], None),
    "kg": ([f"{a / 8} kg" for a in AMOUNTS], [a / 8 for a in AMOUNTS]),
    "km/h": ([f"{a}km/h" for a in AMOUNTS], AMOUNTS),
}


def written(tmp_path: Path, texts: list[str], delimiter: str = ";", more: str = "u") -> str:
    """A file of one column of interest, a second one, and a class that follows neither."""
    path = tmp_path / "amounts.csv"
    rows = [delimiter.join((text, more, "pq"[i * i % 5 % 2])) for i, text in enumerate(texts)]
    path.write_text("\n".join([delimiter.join(("amount", "more", "y")), *rows, ""]), "utf-8")
    return str(path)


def amounts(data: str) -> tuple[str, np.ndarray, str]:
    """The column's kind, its numbers (its levels aside), and what is told of the table."""
    source = reading.read(DataSpec(data=data))
    assert source.encoding is not None
    column = source.encoding.columns[0]
    found = source.train.x[:, 0].astype(np.float64) + column.center
    return column.kind, found, " | ".join(sentences(source.notices))


@pytest.mark.parametrize("name", NOTATIONS)
def test_numbers_are_read_however_they_are_written(tmp_path: Path, name: str) -> None:
    texts, exact = NOTATIONS[name]
    if name == "millions":
        exact = [float(f"{a / 1000:.1f}") * (1e6, 1e3)[i % 2] for i, a in enumerate(AMOUNTS)]
    if name == "powers":
        exact = [float(f"{a:.3E}") for a in AMOUNTS]
    kind, found, told = amounts(written(tmp_path, texts))
    assert kind == "number"
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-3)
    assert "read as numbers: amount (" in told
    assert "means something else" not in told or name == "lakh"


@pytest.mark.parametrize(
    ("first", "second"), [("$", "€"), ("5 kg ", ""), ("%", ""), ("", " lb")], ids=str
)
def test_numbers_of_several_units_are_not_read_as_numbers(
    tmp_path: Path, first: str, second: str
) -> None:
    texts = [f"{a}{(first, second)[i % 2]}" for i, a in enumerate(AMOUNTS)]
    if second == " lb":
        texts = [f"{a}{(' kg', ' lb')[i % 2]}" for i, a in enumerate(AMOUNTS)]
    assert amounts(written(tmp_path, texts))[0] == "text"


def test_houses_are_no_thousand_millions(tmp_path: Path) -> None:
    texts = [f"{i}{'B' if i % 4 == 0 else ''}" for i in range(COUNT)]
    assert amounts(written(tmp_path, texts))[0] == "text"


def test_points_separate_thousands_beside_decimal_commas(tmp_path: Path) -> None:
    texts = [f"{a:,}".replace(",", ".") for a in AMOUNTS]
    assert {"650", "1.263"} <= {*texts}  # to a program 650 is more than 1.263
    data = written(tmp_path, texts, more="0,5")
    _, found, told = amounts(data)
    np.testing.assert_array_equal(found, AMOUNTS)
    assert "amount, more (1.263 is 1263)" in told
    _, found, _ = amounts(written(tmp_path, texts, more="0.5"))
    np.testing.assert_allclose(found, [float(text) for text in texts], rtol=1e-6)
    digits = [f"{a / 8:.2f}" for a in AMOUNTS]  # no thousands
    _, found, _ = amounts(written(tmp_path, digits, more="0,5"))
    np.testing.assert_allclose(found, [float(text) for text in digits], rtol=1e-6)


def test_new_rows_that_look_like_numbers_are_read_in_the_column_s_notation(tmp_path: Path) -> None:
    texts = [f"{a:,}".replace(",", ".") for a in AMOUNTS]
    encoding = reading.read(DataSpec(data=written(tmp_path, texts, more="0,5"))).encoding
    assert encoding is not None
    data = written(tmp_path, ["1.263", "22.105"], more="7")
    issues = np.zeros((len(encoder.ISSUES), len(encoding.columns)), np.int64)
    (x,) = reading.stream(data, encoding, issues, Reading(shown="rows"))
    np.testing.assert_array_equal(x[:, 0] + encoding.columns[0].center, [1263, 22105])
    source = reading.read(DataSpec(data=data), encoding)
    np.testing.assert_array_equal(source.train.x, x)


@pytest.mark.parametrize("form", ["%Y-%m", "%m/%Y", "%b-%y", "%B %Y"])
def test_months_are_dates_without_weekdays(tmp_path: Path, form: str) -> None:
    months = [np.datetime64("1999-11") + 5 * i for i in range(COUNT)]
    texts = [month.astype(object).strftime(form) for month in months]
    source = reading.read(DataSpec(data=written(tmp_path, texts)))
    assert source.encoding is not None
    column = source.encoding.columns[0]
    found = source.train.x[:, 0].astype(np.float64) + column.center
    np.testing.assert_allclose(found, [m.astype("M8[D]").astype(int) for m in months], atol=1e-3)
    assert column.parts == ("season",)
    assert "read as dates, by month: amount (" in " | ".join(sentences(source.notices))


@pytest.mark.parametrize("last", [False, True])
def test_a_quoted_text_may_go_over_several_lines(tmp_path: Path, last: bool) -> None:
    notes = [f"first {i % 3}\nthen, more" for i in range(COUNT)]
    rows = [(f'"{note}"', f"{i}.5", "pq"[i % 2]) for i, note in enumerate(notes)]
    order = (1, 2, 0) if last else (0, 1, 2)
    lines = [",".join(row[i] for i in order) for row in [("note", "size", "y"), *rows]]
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(lines) + "\n")
    source = reading.read(DataSpec(data=str(path), target="y"))
    assert source.encoding is not None
    (column,) = (column for column in source.encoding.columns if column.name == "note")
    assert column.levels == ("first 0\nthen, more", "first 1\nthen, more", "first 2\nthen, more")
    assert len(source.train.y) == COUNT


def test_a_header_between_blanks_may_leave_out_the_row_names(tmp_path: Path) -> None:
    rows = [f'"{i}" {i * 7 % 13}.5 {i * 5 % 11} "{"pq"[i % 2]}"' for i in range(COUNT)]
    path = tmp_path / "write.table.txt"
    path.write_text("\n".join(['"size" "a b" "y"', *rows, ""]))
    source = reading.read(DataSpec(data=str(path)))
    assert source.encoding is not None
    assert [column.name for column in source.encoding.columns] == ["size", "a b"]
    np.testing.assert_array_equal(source.train.x[:3, 0], [0.5, 7.5, 1.5])
    path.write_text("\n".join(["One short title", *rows, ""]))
    told = " | ".join(sentences(reading.read(DataSpec(data=str(path))).notices))
    assert "the first 'One short title'" in told
