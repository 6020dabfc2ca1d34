"""Tables as people publish them: one small file of every kind, with the right values cell by cell.

Every file holds the same table, whose first rows are ROWS: an amount, a code, a word and the class.
"""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnncli.data.tables import encoder, reading
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.options import Reading
from dnncli.errors import DataError, SpecError
from dnncli.report.notices import sentences
from dnncli.spec import DataSpec

COUNT = 60
AMOUNTS = [round(-1500.25 + 1234.75 * i, 2) for i in range(COUNT)]
WORDS = ["red", "light blue", "green"]
CLASSES = ["no", "yes"]
ROWS = [(AMOUNTS[i], i % 7, WORDS[i % 3], CLASSES[i * i % 5 % 2]) for i in range(COUNT)]
NAMES = ("amount", "size", "colour", "y")


def lines(delimiter: str, amount: Callable[[float], str] = repr, header: bool = True) -> list[str]:
    """The table as lines of text."""
    quoted = [f'"{word}"' if delimiter == " " else word for word in WORDS]
    body = [
        delimiter.join((amount(a), str(size), quoted[WORDS.index(word)], label))
        for a, size, word, label in ROWS
    ]
    return [delimiter.join(NAMES), *body] if header else body


def text(*all_lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in all_lines).encode()


def grouped(mark: str, point: str) -> Callable[[float], str]:
    """Numbers with a mark between thousands, as `1,234.50`."""
    swap = str.maketrans(",.", f"{mark}{point}")
    return lambda value: f"{value:,.2f}".translate(swap)


def arff() -> bytes:
    head = [
        "% made by hand",
        "@RELATION table",
        "",
        "@ATTRIBUTE amount NUMERIC",
        "@attribute 'size' integer",
        "@attribute colour {red,'light blue',green}",
        "@attribute y {no,yes}",
        "@data",
    ]
    quoted = [line.replace("light blue", "'light blue'") for line in lines(",", header=False)]
    return text(*head, *quoted)


def arff_sparse() -> bytes:
    head = arff().decode().partition("@data")[0]
    words = {"red": "", "light blue": ", 2 'light blue'", "green": ", 2 green"}
    body = [
        f"{{0 {a!r}{f', 1 {size}' if size else ''}{words[word]}{', 3 yes' if label == 'yes' else ''}}}"
        for a, size, word, label in ROWS
    ]
    return head.encode() + text("@data", *body)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("folder/table.csv", text(*lines(",")))
        archive.writestr("readme.md", "nothing")
    return file.getvalue()


def excel() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["A title"])
    book.active.append([])
    for row in (NAMES, *ROWS):
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


PLAIN = text(*lines(","))
FILES: dict[str, bytes] = {
    "plain.csv": PLAIN,
    "semicolons.csv": text(*lines(";")),
    "bars.txt": text(*lines("|")),
    "tabs.tsv": text(*lines("\t")),
    "tabs.tab": text(*lines("\t")),
    "blanks.data": text(*lines(" ")),
    "blanks.dat": text(*("  " + line.replace(" ", "   ") for line in lines(" "))).replace(
        b"light   blue", b"light blue"
    ),
    "titles.csv": b"Table 7\nSource: nobody, 2020\n\n" + PLAIN,
    "exported_titles.csv": b"Table 7,,,\n,,,\n" + PLAIN,
    "comments.csv": b"# made by a script\n# units: cm\n" + PLAIN + b"# the end\n",
    "names_in_a_comment.csv": b"# by hand\n# " + PLAIN,
    "percent_comments.csv": b"% made by a script\n" + PLAIN,
    "decimal_comma.csv": text(*lines(";", lambda v: repr(v).replace(".", ","))),
    "decimal_comma_quoted.csv": text(*lines(",", lambda v: f'"{v!r}"'.replace(".", ","))),
    "thousands.csv": text(*lines(";", grouped(",", "."))),
    "thousands_german.csv": text(*lines(";", grouped(".", ","))),
    "thousands_french.csv": text(*lines(";", grouped("\u202f", ","))),
    "thousands_swiss.csv": text(*lines(";", grouped("'", "."))),
    "dollars.csv": text(*lines(";", lambda v: f"-${-v:,.2f}" if v < 0 else f"${v:,.2f} ")),
    "euros.csv": text(*lines(";", lambda v: grouped(".", ",")(v) + " €")),
    "codes_of_currency.csv": text(*lines(",", lambda v: f"USD {v:.2f}")),
    "accounting.csv": text(*lines(";", lambda v: f"({-v:,.2f})" if v < 0 else f"{v:,.2f}")),
    "percent.csv": text(*lines(",", lambda v: f"{v!r}%")),
    "windows.csv": text(*lines(","), end="\r\n"),
    "returns.csv": text(*lines(","), end="\r"),
    "mixed_ends.csv": text(*lines(",")[:30], end="\r\n") + text(*lines(",")[30:]),
    "trailing.csv": text(*(line + "," for line in lines(","))),
    "trailing_below.csv": text(lines(",")[0], *(line + ";" for line in lines(";")[1:])).replace(
        b"amount,size,colour,y", b"amount;size;colour;y"
    ),
    "trailing_two.csv": text(*(line + ";;" for line in lines(";"))),
    "single_quotes.csv": text(
        *(line.replace("light blue", "'light blue'").replace("y,", "y,") for line in lines(","))
    )
    .replace(b",no\n", b",'no'\n")
    .replace(b",yes\n", b",'yes'\n")
    .replace(b",y\n", b",'y'\n"),
    "blanks_and_a_tab.data": text(
        *(
            "   ".join(line.rsplit(" ", 1)[0].split(" ")) + "\t" + line.rsplit(" ", 1)[1]
            for line in lines(" ")
        )
    ).replace(b"light   blue", b"light blue"),
    "double_tabs.txt": text(
        *(line if i % 9 else line.replace("\t", "\t\t", 1) for i, line in enumerate(lines("\t")))
    ).replace(b"light blue", b'"light blue"'),
    "wrapped.csv": text(
        *('"' + line.replace("light blue", '""light blue""') + '"' for line in lines(";"))
    ),
    "cut.csv": PLAIN + b"17.5,3,gr",
    "wrapped_and_cut.csv": text(
        *('"' + line.replace("light blue", '""light blue""') + '"' for line in lines(";"))
    )
    + b'"17.5;3;"""\n',
    "utf16.csv": PLAIN.decode().encode("utf-16"),
    "utf16_without_mark.csv": PLAIN.decode().encode("utf-16-le"),
    "utf16_other.csv": PLAIN.decode().encode("utf-16-be"),
    "mark.csv": b"\xef\xbb\xbf" + PLAIN,
    "packed.csv.gz": gzip.compress(PLAIN),
    "packed.csv.bz2": bz2.compress(PLAIN),
    "packed.csv.xz": lzma.compress(PLAIN),
    "packed.zip": zipped(),
    "packed_odd.csv.gz": gzip.compress(b"# by hand\n" + PLAIN),
    "dense.arff": arff(),
    "sparse.arff": arff_sparse(),
    "sheet.xlsx": excel(),
}


def decoded(data: str, **options: object) -> tuple[Encoding, np.ndarray, list[str], str]:
    """A table's encoding, its features in float32, each row's class, and what is told of it."""
    source = reading.read(DataSpec(data=data, **options))
    assert source.encoding is not None
    labels = [source.class_names[label] for label in source.train.y]
    return source.encoding, source.train.x, labels, " | ".join(sentences(source.notices))


def values(encoding: Encoding, x: np.ndarray, name: str) -> list[object]:
    """A column's values back from its features: numbers in float32, levels; None where missing."""
    start = 0
    for column in encoding.columns:
        width = len(column.features)
        if column.name == name:
            break
        start += width
    own = x[:, start : start + width]
    missing = own[:, -1] == 1 if column.missing else np.zeros(len(x), bool)
    if column.categorical:
        names = [*column.levels, "other", None]
        return [names[i] for i in own.argmax(axis=1)]
    numbers = own[:, 0].astype(np.float64) + column.center
    return [None if gone else number for number, gone in zip(numbers, missing, strict=True)]


@pytest.mark.parametrize("name", FILES)
def test_every_dialect_gives_the_same_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    encoding, x, labels, _ = decoded(str(path))
    assert [column.name for column in encoding.columns] == list(NAMES[:3])
    assert [column.kind for column in encoding.columns][::2] == ["number", "text"]
    np.testing.assert_allclose(values(encoding, x, "amount"), AMOUNTS, rtol=1e-6)
    assert [float(str(size)) for size in values(encoding, x, "size")] == [row[1] for row in ROWS]
    assert values(encoding, x, "colour") == [row[2] for row in ROWS]
    assert labels == [row[3] for row in ROWS]


@pytest.mark.parametrize("name", ["blanks.data", "thousands_german.csv", "wrapped.csv", "cut.csv"])
def test_new_rows_in_a_dialect_are_read_as_the_training_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    encoding, x, *_ = decoded(str(path))
    issues = np.zeros((len(encoder.ISSUES), len(encoding.columns)), np.int64)
    stream = reading.stream(str(path), encoding, issues, Reading(shown="rows"))
    np.testing.assert_array_equal(np.concatenate([*stream]), x)
    assert not issues.any()


MOMENTS = [np.datetime64("2019-12-30T11:00:00") + np.timedelta64(i * 3641, "m") for i in range(60)]
DATES = {
    "%Y-%m-%d": "",
    "%Y/%m/%d": "",
    "%d/%m/%Y": "day-first",
    "%m/%d/%Y": "month-first",
    "%d.%m.%Y": "day-first",
    "%d-%b-%y": "day-first",
    "%d %B %Y": "day-first",
    "%b %d, %Y": "month-first",
    "%d.%m.%Y %H:%M": "day-first",
    "%m/%d/%y %I:%M:%S %p": "month-first",
    "%Y-%m-%d %H:%M:%S": "",
}


@pytest.mark.parametrize("form", DATES)
def test_dates_are_days_since_1970_however_they_are_written(tmp_path: Path, form: str) -> None:
    written = [moment.astype(object).strftime(form) for moment in MOMENTS]
    path = tmp_path / "dates.csv"
    path.write_bytes(text("when;y", *(f"{w};{CLASSES[i % 2]}" for i, w in enumerate(written))))
    encoding, x, _, told = decoded(str(path))
    assert encoding.columns[0].kind == "time"
    unit = "m" if "%H" in form else "s" if "%I" in form else "D"
    exact = [
        float((m.astype(f"M8[{unit}]") - np.datetime64(0, "s")) / np.timedelta64(1, "D"))
        for m in MOMENTS
    ]
    np.testing.assert_allclose(values(encoding, x, "when"), exact, atol=1e-5)
    assert DATES[form] in told


def test_dates_that_may_be_either_are_said_and_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "dates.csv"
    path.write_bytes(
        text("when,y", *(f"0{1 + i % 9}/0{1 + i % 7}/2020,{i % 2}" for i in range(63)))
    )
    told = decoded(str(path))[3]
    assert "read as dates, month-first: when (01/01/2020" in told
    assert "--types when=day-first" in told
    encoding, x, *_ = decoded(str(path), types="when=day-first")
    exact = [np.datetime64(f"2020-0{1 + i % 7}-0{1 + i % 9}").astype(int) for i in range(63)]
    np.testing.assert_array_equal(values(encoding, x, "when"), exact)


def table(tmp_path: Path, name: str, column: list[object], others: str = "abc") -> str:
    """A file with one column of interest, one of noise, and a class that follows neither."""
    path = tmp_path / f"{name}.csv"
    rows = [
        f"{v},{others[i % len(others)]},{CLASSES[i * i % 11 % 2]}" for i, v in enumerate(column)
    ]
    path.write_bytes(text(f"{name},noise,y", *rows))
    return str(path)


def test_codes_keep_their_zeros(tmp_path: Path) -> None:
    data = table(tmp_path, "zip", [("501", "00501", "10001", "02139")[i % 4] for i in range(80)])
    encoding, x, _, told = decoded(data)
    assert values(encoding, x, "zip") == [
        ("501", "00501", "10001", "02139")[i % 4] for i in range(80)
    ]
    assert "zip" in told
    assert "--types zip=number" in told


@pytest.mark.parametrize("mark", ["-200", "-9", "-999", "-", "n.a.", "."])
def test_marks_of_missing_values_are_found_and_named(tmp_path: Path, mark: str) -> None:
    column = [mark if i % 5 == 2 else repr(i * 0.37) for i in range(80)]
    data = table(tmp_path, "co", column)
    encoding, x, _, told = decoded(data)
    expected = [None if i % 5 == 2 else i * 0.37 for i in range(80)]
    found = values(encoding, x, "co")
    assert [v is None for v in found] == [v is None for v in expected]
    np.testing.assert_allclose([v for v in found if v], [v for v in expected if v], rtol=1e-6)
    assert f"{mark} counts as missing: 16 in co" in told
    assert encoding.columns[0].marks == (mark,)


def test_a_number_far_above_is_pointed_out_and_missing_takes_it(tmp_path: Path) -> None:
    data = table(tmp_path, "age", [999 if i % 8 == 3 else 20 + i % 50 for i in range(80)])
    encoding, _, _, told = decoded(data)
    assert not encoding.columns[0].missing
    assert "999 lies far from all other values: 10 in age" in told
    assert "--missing age=999" in told
    encoding, x, *_ = decoded(data, missing="age=999")
    assert [v is None for v in values(encoding, x, "age")] == [i % 8 == 3 for i in range(80)]


def test_missing_none_keeps_a_number_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    data = table(tmp_path, "co", [-200 if i % 5 == 2 else i * 0.37 for i in range(80)])
    assert not decoded(data, missing="co=none")[0].columns[0].missing
    with pytest.raises(SpecError, match="--missing nox=1: no column is called so"):
        decoded(data, missing="nox=1")


def test_ids_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    data = table(tmp_path, "PassengerId", list(range(1, 81)))
    encoding, _, _, told = decoded(data)
    assert [column.name for column in encoding.columns] == ["noise"]
    assert "columns that only number the rows are left out: PassengerId" in told
    assert decoded(data, types="PassengerId=number")[0].columns[0].name == "PassengerId"


def test_constants_twins_telling_columns_and_rare_classes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    rows = [f"7,{i * 0.5},{i * 0.5},{'pq'[i // 40]},{'uv'[i // 40]}" for i in range(80)]
    path.write_bytes(text("constant,a,b,word,y", *rows))
    told = decoded(str(path))[3]
    assert "teach nothing: constant; leave them out with --drop constant" in told
    assert "b equals a in every row; leave it out with --drop b" in told
    assert "alone tell the class of every row: a, b, word" in told
    path.write_bytes(text("a,y", *(f"{i * 0.37},c{i // 2}" for i in range(80))))
    assert "40 classes in 80 rows: half of them have at most 2" in decoded(str(path))[3]


def test_one_text_among_numbers_is_refused_with_its_row(tmp_path: Path) -> None:
    column = ["$oops" if i == 30 else f"${i * 1.37:.2f}" for i in range(80)]
    with pytest.raises(DataError, match=r"1 of what is not a number, the first '\$oops' in row 31"):
        decoded(table(tmp_path, "price", column))


def test_a_file_of_texts_loses_no_row_and_says_what_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    rows = [f"{WORDS[i % 3]},{'lm'[i % 2]},{CLASSES[i * i % 11 % 2]}" for i in range(50)]
    path.write_bytes(text(*rows))
    _, x, _, told = decoded(str(path))
    assert len(x) == 50
    assert (
        "is taken as a row, since its texts occur below too; if it names the columns: --header"
        in told
    )
    path.write_bytes(text("colour,size,y", *rows))
    encoding, x, _, told = decoded(str(path))
    assert len(x) == 50
    assert [column.name for column in encoding.columns] == ["colour", "size"]
    assert "is taken as the columns' names" in told


def test_years_in_the_header_line_are_names(tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    path.write_bytes(
        text("land,1990,1991,y", *(f"{'fd'[i % 2]},{i},{i * 2},x{i * i % 3}" for i in range(60)))
    )
    encoding, x, _, told = decoded(str(path))
    assert [column.name for column in encoding.columns] == ["land", "1990", "1991"]
    assert len(x) == 60
    assert "is taken as the columns' names" in told


def test_a_first_row_without_a_value_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    rows = [f"{i % 40 or '?'},{'ab'[i % 2]},{'uv'[i % 3 % 2]}" for i in range(60)]
    path.write_bytes(text(*rows))
    encoding, x, *_ = decoded(str(path))
    assert len(x) == 60
    assert values(encoding, x, "column1")[:2] == [None, 1.0]


def test_numbers_that_are_called_ids_are_pointed_out(tmp_path: Path) -> None:
    data = table(tmp_path, "sample_id", [1_000_000 + i * i * 37 for i in range(80)])
    assert "seem to be ids: sample_id; leave them out with --drop sample_id" in decoded(data)[3]


def test_another_encoding_is_found_said_and_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "cafe.csv"
    rows = [
        f"Café {'été' if i % 2 else 'hiver'},{i % 7},{'oui' if i % 3 else 'non'}" for i in range(60)
    ]
    for encoding_name in ("cp1252", "shift_jis", "cp850"):
        path.write_bytes("\n".join(["nom,n,y", *rows, ""]).encode(encoding_name, "replace"))
        options = {} if encoding_name == "cp1252" else {"encoding": encoding_name}
        encoding, x, _, told = decoded(str(path), **options)
        expected = [
            row.partition(",")[0].encode(encoding_name, "replace").decode(encoding_name)
            for row in rows
        ]
        assert values(encoding, x, "nom") == expected
        assert ("read as cp1252 (it makes 'Café')" in told) == (not options)
    with pytest.raises(SpecError, match="--encoding klingon: no encoding is called so"):
        decoded(str(path), encoding="klingon")


def test_a_lone_quote_between_tabs_is_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "quotes.tsv"
    words = ['say "hi', "5'", '"quoted"', "plain"]
    path.write_bytes(
        text("y\tword\tn", *(f"{CLASSES[i % 2]}\t{words[i % 4]}\t{i % 7}" for i in range(60)))
    )
    encoding, x, *_ = decoded(str(path), target="y")
    assert values(encoding, x, "word") == [words[i % 4] for i in range(60)]


def test_svmlight_leaves_out_zeros(tmp_path: Path) -> None:
    path = tmp_path / "table.libsvm"
    path.write_bytes(
        text(*(f"{'+1' if i % 3 else '-1'} 1:{i * 0.37!r} 3:{i % 7} # row" for i in range(60)))
    )
    encoding, x, labels, _ = decoded(str(path))
    np.testing.assert_allclose(values(encoding, x, "f1"), [i * 0.37 for i in range(60)], rtol=1e-6)
    assert set(values(encoding, x, "f2")) == {0.0}
    assert [float(str(v)) for v in values(encoding, x, "f3")] == [i % 7 for i in range(60)]
    assert labels == ["1" if i % 3 else "-1" for i in range(60)]


def test_a_numpy_array_is_a_table_whose_last_column_is_the_class(tmp_path: Path) -> None:
    array = np.column_stack([np.arange(60) * 0.37, np.arange(60) % 3])
    np.save(tmp_path / "table.npy", array)
    encoding, x, labels, _ = decoded(str(tmp_path / "table.npy"))
    np.testing.assert_allclose(values(encoding, x, "column1"), array[:, 0], rtol=1e-6)
    assert labels == [str(i % 3) for i in range(60)]
    np.save(tmp_path / "objects.npy", np.array([[1, "a"], [2, "b"]], object))
    with pytest.raises(DataError, match=r"is not a sound \.npy file"):
        decoded(str(tmp_path / "objects.npy"))


def test_r_names_its_rows_without_saying(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(
        text('"a","y"', *(f'"{i + 1}",{i * 0.37!r},"{CLASSES[i % 2]}"' for i in range(60)))
    )
    encoding, x, _, told = decoded(str(path))
    assert [column.name for column in encoding.columns] == ["a"]
    np.testing.assert_allclose(values(encoding, x, "a"), [i * 0.37 for i in range(60)], rtol=1e-6)
    assert "columns that only number the rows are left out: row" in told


def test_errors_count_the_lines_of_the_original_file(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_bytes(
        b"# by hand\n# again\n" + PLAIN + b"3,no\n" + PLAIN[len(b"amount,size,colour,y\n") :]
    )
    with pytest.raises(DataError, match=r"short\.csv, line 64: 2 fields where 4 are needed"):
        decoded(str(path))
