"""Tables as they should not be: each gives a sound result or one line that says what is wrong."""

import contextlib
import errno
import gzip
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from dnncli.data import Dataset, load
from dnncli.errors import DataError, DnncliError
from dnncli.report.notices import sentences
from dnncli.spec import DataSpec

HEAD = b"a,b,y\n"
BODY = b"1,2,x\n3,4,z\n5,6,x\n7,8,z\n" * 10
FAR = BODY * 2000  # more rows than the sniffer looks at
NUMBERS = b"".join(b"%d,%d,%s\n" % (i, i * i, b"xz"[i % 2 : i % 2 + 1]) for i in range(200))
ZIPPED = gzip.compress(HEAD + BODY * 500)

# A file's name and content, and what the one line says.
REFUSED: dict[str, tuple[bytes, str]] = {
    "short_row.csv": (HEAD + BODY + b"3,y\n" + BODY, "line 42: 2 fields where 3 are needed"),
    "long_row.csv": (HEAD + BODY + b"3,4,5,y\n" + BODY, "line 42: more than 3 fields"),
    "short_row_far_down.csv": (HEAD + FAR + b"3,y\n", "line 80002: 2 fields where 3 are needed"),
    "short_header.csv": (b"a,b\n" + BODY, "line 2: more than 2 fields"),
    "long_header.csv": (b"a,b,c,y\n" + BODY, "line 2: 3 fields where 4 are needed"),
    "row_of_10000_columns.csv": (
        HEAD + BODY + b",".join([b"1"] * 10_000) + b"\n",
        "line 42: more than 3 fields where 3 are needed",
    ),
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n  \n", "is empty"),
    "control_character.csv": (b"\x1f", "is empty"),
    "header_only.csv": (HEAD, "has no rows"),
    "one_row.csv": (HEAD + b"1,2,x\n", "the one class 'x' in 1 row: nothing to tell apart"),
    "one_class.csv": (
        HEAD + b"1,2,x\n" * 30,
        "the one class 'x' in 30 rows: nothing to tell apart",
    ),
    "one_column.csv": (b"y\nx\nz\n" * 10, "has one column only, 'y': .*give --delimiter"),
    "two_rows.csv": (HEAD + b"1,2,x\n3,4,z\n", "2 held-out examples are too many"),
    "nan_label.csv": (
        HEAD + BODY + b"1,2,nan\n",
        "1 row has no label in column 'y', the first is row 41",
    ),
    "no_label.csv": (HEAD + BODY + b"1,2,\n", "leave them out with --where '\"y\" IS NOT NULL'"),
    "no_labels.csv": (
        HEAD + b"1,2,\n" * 30,
        "30 rows have no label in column 'y', the first is row 1",
    ),
    "nul.csv": (HEAD + BODY + b"1,\0,x\n", "holds NUL bytes"),
    "open_quote.csv": (
        HEAD + BODY + b'1,"2,x\n' + BODY,
        "line 42: a quote is opened and never closed",
    ),
    "open_quote_far_down.csv": (HEAD + FAR + b'1,"2,x\n' + BODY, "line 80002: a quote is opened"),
    "open_quote_at_the_end.csv": (HEAD + BODY + b'1,2,"x\n', "line 42: a quote is opened"),
    "beyond_float32.csv": (
        HEAD + BODY + b"1,1e39,x\n",
        "'b' holds 1 value infinite or too large for float32",
    ),
    "beyond_float64.csv": (
        HEAD + BODY + b"1,1e400,x\n" * 2,
        "2 values infinite .* the first in row 41",
    ),
    "infinite.csv": (HEAD + BODY + b"1,inf,x\n", "1 value infinite"),
    "minus_infinite.csv": (HEAD + BODY + b"1,-Infinity,x\n", "1 value infinite"),
    "nothing_but_labels.csv": (
        HEAD + b",,x\n,,z\n" * 20,
        "no column with values besides the target",
    ),
    "text_among_numbers.csv": (
        HEAD + NUMBERS + b"1,oops,x\n",
        "'b' holds numbers and 1 of what is not a number, the first 'oops' in row 201: .*--types b=number",
    ),
    "text_among_numbers_far_down.csv": (
        HEAD + NUMBERS * 150 + b"1,oops,x\n",
        "'oops' in row 30,001",
    ),
    "binary.csv": (random.Random(0).randbytes(3000), "holds NUL bytes"),
    "web_page.csv": (b"<html><body>404</body></html>\n", "has one column only"),
    "long_line.csv": (HEAD + BODY + b"1," + b"q" * 3_000_000 + b",x\n", "longer than 2 MB"),
    "truncated.csv.gz": (ZIPPED[:-20], "damaged gzip file"),
    "damaged.csv.gz": (ZIPPED[:30] + b"\0\0\0\0" + ZIPPED[34:], "damaged gzip file"),
    "identifier.csv": (
        HEAD + b"".join(b"%d,1,id%d\n" % (i, i) for i in range(100)),
        "too many for classes",
    ),
    "many_classes.csv": (
        HEAD + b"".join(b"%d,1,class %d\n" % (i, i // 3) for i in range(6000)),
        "over 1,000",
    ),
    "no_parquet.parquet": (HEAD + BODY, "it is not a Parquet file"),
    "half_a.parquet": (b"PAR1" + bytes(50), "it is not a Parquet file"),
    "cut_short.json": (b'[{"a":1,"y":"x"},{"a":2,', "Malformed JSON"),
    "bad_line.jsonl": (b'{"a":1,"y":"x"}\n{"a":2\n' * 10, "Malformed JSON .* line 3"),
    "empty.json": (b"", "is not a table: it needs a list of objects"),
    "empty_list.json": (b"[]", "is not a table: it needs a list of objects"),
    "numbers.json": (b"[1,2,3]", "no column besides the target 'json'"),
    "lists.json": (
        json.dumps([{"a": [1, 2], "y": "x"}, {"a": [3], "y": "z"}] * 20).encode(),
        "'a' holds BIGINT",
    ),
    "two_types.jsonl": (
        b'{"a":1,"y":"x"}\n{"a":"two","y":"z"}\n' * 20,
        "'a' holds JSON: leave it out",
    ),
}

# A file's name and content, what its columns are taken for, and a part of what is told of it.
READ: dict[str, tuple[bytes, dict[str, str], str]] = {
    "trailing_comma.csv": (
        HEAD + BODY.replace(b"\n", b",\n"),
        {"a": "code", "b": "code"},
        "ends with ','",
    ),
    "blank_lines.csv": (HEAD + BODY.replace(b"\n", b"\n\n"), {"a": "code", "b": "code"}, ""),
    "utf16.csv": ((HEAD + BODY).decode().encode("utf-16"), {"a": "code", "b": "code"}, ""),
    "byte_order_mark.csv": (b"\xef\xbb\xbf" + HEAD + BODY, {"a": "code", "b": "code"}, ""),
    "nul_far_down.csv": (HEAD + FAR + b"1,\0,x\n", {"a": "code", "b": "text"}, "rare levels"),
    "same_name_twice.csv": (
        b"a,a,y\n" + BODY,
        {"a": "code", "a_1": "code"},
        "'a' names two columns",
    ),
    "same_name_in_capitals.csv": (
        b"a,A,y\n" + BODY,
        {"a": "code", "A_1": "code"},
        "'A' names two columns",
    ),
    "no_name.csv": (b"a,,y\n" + BODY, {"a": "code", "column2": "code"}, "a column has no name"),
    "spaces_around.csv": (
        b" a , b ,y \n" + BODY.replace(b",", b" , "),
        {"a": "code", "b": "code"},
        "",
    ),
    "quote_within.csv": (HEAD + BODY + b'1,2,5" z\n' * 5, {"a": "code", "b": "code"}, ""),
    "quotes.csv": (
        b'"a","b","y"\n' + b'"1","p, ""q""",x\n"2",r,z\n' * 20,
        {"a": "code", "b": "text"},
        "",
    ),
    "line_end_in_quotes.csv": (HEAD + b'1,"p\nq",x\n2,r,z\n' * 20, {"a": "code", "b": "text"}, ""),
    "constant.csv": (HEAD + b"1,2,x\n1,3,z\n" * 20, {"a": "number", "b": "code"}, ""),
    "all_constant.csv": (HEAD + b"1,2,x\n1,2,z\n" * 20, {"a": "number", "b": "number"}, ""),
    "empty_column.csv": (
        HEAD + b"1,,x\n2,,z\n" * 20,
        {"a": "code"},
        "without any value are left out: b",
    ),
    "missing_markers.csv": (
        HEAD + BODY + b"?,NA,x\nN/A,null,z\n",
        {"a": "code", "b": "code"},
        "missing categories are a level of their own: 2 in a, 2 in b",
    ),
    "nan_among_numbers.csv": (
        HEAD + NUMBERS + b"nan,,x\n",
        {"a": "number", "b": "number"},
        "missing numbers take the column's median, and an indicator marks them: 1 in a, 1 in b",
    ),
    "title_above.csv": (
        b"My data\n\n" + HEAD + BODY,
        {"a": "code", "b": "code"},
        "1 line above the table is left out, the first 'My data'",
    ),
    "comment_above.csv": (
        b"# by hand\n" + HEAD + BODY + b"# end\n",
        {"a": "code", "b": "code"},
        "lines that start with '#' are left out as comments",
    ),
    "utf16_without_mark.csv": (
        (HEAD + BODY).decode().encode("utf-16-le"),
        {"a": "code", "b": "code"},
        "the file is not UTF-8: read as utf-16-le",
    ),
    "latin1.csv": (
        (HEAD + BODY).replace(b"x", "caf\xe9".encode("latin1")),
        {"a": "code", "b": "code"},
        "read as cp1252 (it makes 'caf\xe9')",
    ),
    "latin1_far_down.csv": (
        HEAD + FAR + b"1,2,\xe9\n" * 9,
        {"a": "code", "b": "code"},
        "read as cp1252 (it makes '\xe9')",
    ),
    "mixed_line_ends.csv": (
        HEAD + BODY + BODY.replace(b"\n", b"\r\n"),
        {"a": "code", "b": "code"},
        "",
    ),
    "spaces_between.csv": (
        (HEAD + BODY).replace(b",", b" "),
        {"a": "code", "b": "code"},
        "the values stand between blanks",
    ),
    "decimal_comma.csv": (
        b"a;b;y\n" + b"1,5;2;x\n3,5;4;z\n" * 20,
        {"a": "number", "b": "code"},
        "read as numbers: a (1,5 is 1.5)",
    ),
    "windows.csv": ((HEAD + BODY).replace(b"\n", b"\r\n"), {"a": "code", "b": "code"}, ""),
    "old_mac.csv": ((HEAD + BODY).replace(b"\n", b"\r"), {"a": "code", "b": "code"}, ""),
    "no_last_line_end.csv": ((HEAD + BODY)[:-1], {"a": "code", "b": "code"}, ""),
    "no_header.csv": (BODY, {"column1": "code", "column2": "code"}, ""),
    "gzip_without_saying.csv": (ZIPPED, {"a": "code", "b": "code"}, ""),
    "no_gzip.csv.gz": (HEAD + BODY, {"a": "code", "b": "code"}, ""),
    "tabs.tsv": ((HEAD + BODY).replace(b",", b"\t"), {"a": "code", "b": "code"}, ""),
    "identifiers.csv": (
        HEAD + b"".join(b"id%d,%d,%s\n" % (i, i, b"xz"[i % 2 : i % 2 + 1]) for i in range(100)),
        {"a": "text", "b": "number"},
        "a: 100 different texts in 100 rows say little; leave it out with --drop a",
    ),
    "dates.csv": (
        HEAD + b"2024-02-30x,2024-02-28,x\n2024-03-01,2024-03-01 12:00:00,z\n" * 20,
        {"a": "text", "b": "time"},
        "",
    ),
    "absent_keys.jsonl": (
        b'{"b":1,"y":"x"}\n{"a":"p","y":"z"}\n' * 20,
        {"b": "number", "a": "text"},
        "missing",
    ),
    "truths.jsonl": (b'{"b":true,"y":"x"}\n{"b":false,"y":"z"}\n' * 20, {"b": "text"}, ""),
}


def write(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def refusal(data: str, **options: object) -> str:
    with pytest.raises(DnncliError) as caught:
        load(DataSpec(data=data, **options))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    return message


def check(dataset: Dataset) -> None:
    for name in ("train", "validation", "test"):
        split = dataset.split(name)
        assert np.isfinite(split.x).all()
        assert split.x.flags.c_contiguous
        assert len(split) > 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_table_can_be_made_of_gives_one_line_that_names_the_file(
    tmp_path: Path, name: str
) -> None:
    content, message = REFUSED[name]
    path = write(tmp_path, name, content)
    with pytest.raises(DataError, match=message):
        load(DataSpec(data=path))
    assert path in refusal(path)


@pytest.mark.parametrize("seed", range(60))
def test_any_damage_gives_a_table_or_one_line(tmp_path: Path, seed: int) -> None:
    """Numbers, texts, headers and none, with bytes changed, removed and put in near the start."""
    rng = random.Random(seed)
    tables = (HEAD + BODY, BODY, b"1,2,3\n" * 30, b"0,1,2\n" + BODY, (HEAD + BODY)[:-5])
    content = bytearray(rng.choice(tables))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(min(len(content), 40))
        removed = rng.choice((0, 1, 4))
        content[place : place + removed] = bytes(
            rng.choices(b'",;\t|\r\n\0 1a.', k=rng.randint(0, 3))
        )
    with contextlib.suppress(DataError):
        check(load(DataSpec(data=write(tmp_path, "damaged.csv", bytes(content)))))


@pytest.mark.parametrize("name", READ)
def test_what_is_only_odd_gives_sound_features(tmp_path: Path, name: str) -> None:
    content, kinds, notice = READ[name]
    options = {"target": "y"} if name.endswith(".jsonl") else {}
    dataset = load(DataSpec(data=write(tmp_path, name, content), **options))
    check(dataset)
    assert dataset.encoding is not None
    assert {column.name: column.kind for column in dataset.encoding.columns} == kinds
    expected = ("answers", "constant", "nothing to learn")  # of so few values
    told = [found for found in dataset.notices if found.kind not in expected]
    assert notice in " ".join(sentences(told))
    assert bool(notice) == bool(told)


@pytest.mark.parametrize("folder", ["column1=5", "foo=3", "a=7"])
@pytest.mark.parametrize("head", [HEAD, b""], ids=["with names", "without names"])
def test_a_folder_called_like_a_partition_adds_no_column(
    tmp_path: Path, folder: str, head: bytes
) -> None:
    """DuckDB would read its number as a column, or instead of one; here the name was a number."""
    (tmp_path / folder).mkdir()
    there = load(DataSpec(data=write(tmp_path / folder, "t.csv", head + BODY)))
    here = load(DataSpec(data=write(tmp_path, "t.csv", head + BODY)))
    assert there.encoding == here.encoding
    np.testing.assert_array_equal(there.train.x, here.train.x)


def test_a_table_of_3000_columns_is_read(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3_000)).astype(np.float32)
    head = ",".join([*(f"c{i}" for i in range(3_000)), "y"])
    rows = [",".join([*map(str, row), "ab"[i % 2]]) for i, row in enumerate(x)]
    dataset = load(
        DataSpec(data=write(tmp_path, "wide.csv", "\n".join([head, *rows]).encode()), scale="none")
    )
    check(dataset)
    rows = {
        row.tobytes() for name in ("train", "validation", "test") for row in dataset.split(name).x
    }
    assert rows == {row.tobytes() for row in x}


def test_folders_pipes_and_absent_files_are_no_tables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in refusal(str(tmp_path / "pipe.csv"))
    (tmp_path / "folder.csv").mkdir()
    assert "has no file train-images" in refusal(str(tmp_path / "folder.csv"))
    assert "is a folder" in refusal(f"{tmp_path}/f*.csv")
    assert "there is no such file" in refusal(str(tmp_path / "absent.csv"))
    assert "there is no such file" in refusal(f"{tmp_path}/absent*.csv")


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "secret.csv", HEAD + BODY)

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == f"{path} cannot be read: Permission denied."


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")
    Path(path).write_bytes(HEAD + BODY)
    assert "the name is not UTF-8" in refusal(path)


@pytest.mark.parametrize(
    "name", ["a[1].csv", "a*b?.csv", 'it\'s "q", {x}.csv', "ü – é.csv", "x.CSV", "a;b--.csv"]
)
def test_any_other_name_will_do(tmp_path: Path, name: str) -> None:
    check(load(DataSpec(data=write(tmp_path, name, HEAD + BODY))))
