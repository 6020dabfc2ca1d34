"""Tables from files to examples: by a plain loop over rows, the same from every kind of file."""

import calendar
import csv
import gzip
import io
import json
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dnncli.data import Dataset, load
from dnncli.data.tables import reading
from dnncli.data.tables.dialect import numbered
from dnncli.errors import DataError, DnncliError, SpecError
from dnncli.report.notices import sentences
from dnncli.spec import DataSpec

ROWS = 300
NAMES = ("age", "job", "grade", "day", "note", "income")


def cell(rng: np.random.Generator, name: str, row: int) -> str:
    """A value as a person would write it, missing now and then."""
    if name != "income" and name != "grade" and rng.random() < 0.1:
        return str(rng.choice(["", "?", " NA", "nan"]))
    match name:
        case "age":
            return f"{rng.normal(40, 9):.3f}"
        case "job":
            return str(rng.choice(["clerk", " cook", "a, b", 'the "boss"', "Köchin"]))
        case "grade":
            return str(rng.integers(1, 5))
        case "day":
            return f"2024-0{rng.integers(1, 10)}-1{rng.integers(10)}"
        case "note":
            return f"note {row}" if row % 50 == 0 else str(rng.choice(["yes", "no"]))
    return str(rng.choice(["<=50K", ">50K"]))


RNG = np.random.default_rng(7)
TABLE = [{name: cell(RNG, name, row) for name in NAMES} for row in range(ROWS)]


def csv_text(rows: list[dict[str, str]] = TABLE, header: bool = True, delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, NAMES, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(csv_text())
    return file


def expected() -> tuple[np.ndarray, list[str], np.ndarray]:
    """Features, their names and classes, worked out row by row."""
    tidy = [
        {k: None if v.strip() in ("", "?", "NA", "nan") else v.strip() for k, v in row.items()}
        for row in TABLE
    ]
    columns: list[tuple[str, list[float]]] = []
    for name in NAMES[:-1]:
        values = [row[name] for row in tidy]
        gone = [float(value is None) for value in values]
        if name in ("age", "day"):
            numbers = [
                None if v is None else float(v) if name == "age" else days(v) for v in values
            ]
            if name == "age":
                numbers = [None if n is None else float(np.float32(n)) for n in numbers]
            median = statistics.median(n for n in numbers if n is not None)
            center = median if name == "day" else 0.0
            columns.append((name, [(median if n is None else n) - center for n in numbers]))
            if name == "day":  # of nine months: a weekday comes again, a season does not
                columns += weekdays(values)
            columns.append((f"{name} missing", gone))
            continue
        present = [value for value in values if value is not None]
        levels = sorted({value for value in present if present.count(value) > 1})
        columns += [(f"{name}={level}", [float(v == level) for v in values]) for level in levels]
        columns.append(
            (f"{name} other", [float(v is not None and v not in levels) for v in values])
        )
        columns += [(f"{name} missing", gone)] if any(gone) else []
    x = np.array([values for _, values in columns], np.float64).T.astype(np.float32)
    return (
        x,
        [name for name, _ in columns],
        np.array([row["income"] == ">50K" for row in TABLE], np.int32),
    )


def weekdays(values: list[str | None]) -> list[tuple[str, list[float]]]:
    dates = [None if value is None else date.fromisoformat(value) for value in values]
    return [
        (f"day {name}", [float(d is not None and f"{d:%A}" == name) for d in dates])
        for name in calendar.day_name
    ]


def days(text: str) -> float:
    return float((np.datetime64(text, "D") - np.datetime64("1970-01-01", "D")).astype(int))


def test_features_are_those_of_a_loop_over_rows(path: Path) -> None:
    source = reading.read(DataSpec(data=str(path)))
    x, names, y = expected()
    assert source.encoding is not None
    assert source.encoding.features == tuple(names)
    np.testing.assert_array_equal(source.train.x, x)
    np.testing.assert_array_equal(source.train.y, y)
    assert source.class_names == ("<=50K", ">50K")
    assert (source.name, source.encoding.target) == ("people", "income")


def copies(path: Path) -> dict[str, Path]:
    """The same table in every other form."""
    folder = path.parent
    forms = {
        suffix: folder / f"people{suffix}"
        for suffix in (".parquet", ".json", ".jsonl", ".tsv", ".csv.gz")
    }
    source = f"read_csv('{path}', header=true)"
    duckdb.sql(f"COPY (FROM {source}) TO '{forms['.parquet']}'")
    duckdb.sql(f"COPY (FROM {source}) TO '{forms['.jsonl']}' (FORMAT json)")
    forms[".json"].write_text(json.dumps(TABLE))
    forms[".tsv"].write_text(csv_text(delimiter="\t"))
    forms[".csv.gz"].write_bytes(gzip.compress(path.read_bytes()))
    return forms


def bits(dataset: Dataset) -> list[bytes]:
    parts = [dataset.train, dataset.validation, dataset.test]
    scaling = [dataset.scaling.offset, dataset.scaling.scale]
    return [
        array.tobytes() for array in (*(a for part in parts for a in (part.x, part.y)), *scaling)
    ]


def test_every_kind_of_file_gives_the_same_bits(path: Path) -> None:
    own = load(DataSpec(data=str(path)))
    for form in copies(path).values():
        other = load(DataSpec(data=str(form)))
        assert bits(other) == bits(own), form
        assert (other.fingerprint, other.encoding, other.name) == (
            own.fingerprint,
            own.encoding,
            own.name,
        )


def test_only_measured_features_are_scaled(path: Path) -> None:
    for scale in ("standard", "unit", "none"):
        dataset = load(DataSpec(data=str(path), scale=scale))
        assert dataset.encoding is not None
        flags = dataset.train.x[:, ~dataset.encoding.numeric]
        assert set(np.unique(flags)) == {0, 1}
    standard = load(DataSpec(data=str(path)))
    measured = standard.train.x[:, standard.encoding.numeric]  # type: ignore[union-attr]
    np.testing.assert_allclose(measured.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(measured.std(axis=0), 1, atol=1e-5)


def test_what_happened_to_columns_is_told(path: Path) -> None:
    notices = " | ".join(sentences(load(DataSpec(data=str(path))).notices))
    assert "missing numbers take the column's median, and an indicator marks them: " in notices
    assert "missing categories are a level of their own: " in notices
    rare = sum(row["note"].startswith("note") for row in TABLE)
    assert f"rare levels count as other: {rare} in note" in notices


def test_files_named_by_a_pattern_are_one_table(path: Path, tmp_path: Path) -> None:
    for part, rows in (("a", TABLE[:100]), ("b", TABLE[100:])):
        (tmp_path / f"part-{part}.csv").write_text(csv_text(rows))
    whole, parts = (load(DataSpec(data=str(p))) for p in (path, tmp_path / "part-*.csv"))
    assert bits(whole) == bits(parts)
    assert parts.name == "part-"


def test_files_of_one_pattern_must_have_the_same_columns(path: Path, tmp_path: Path) -> None:
    (tmp_path / "people2.csv").write_text("age,size,income\n1,2,>50K\n")
    with pytest.raises(
        DataError, match=r"people2\.csv has other columns than people\.csv: 'size' is new"
    ):
        load(DataSpec(data=str(tmp_path / "people*.csv")))


def test_columns_are_chosen_dropped_and_retyped(path: Path) -> None:
    spec = DataSpec(
        data=str(path),
        target="job",
        drop="note, 4",
        types="a*=category,grade=number",
        where="job IS NOT NULL",
    )
    dataset = load(spec)
    assert dataset.encoding is not None
    assert {c.name: c.kind for c in dataset.encoding.columns} == {
        "age": "code",
        "grade": "number",
        "income": "text",
    }
    assert dataset.class_names == ("Köchin", "a, b", "clerk", "cook", 'the "boss"')
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) < ROWS


def test_where_chooses_rows_of_both_tables(path: Path) -> None:
    older = [
        row
        for row in TABLE
        if row["age"].strip() not in ("", "?", "NA", "nan") and float(row["age"]) > 40
    ]
    source = reading.read(DataSpec(data=str(path), where="age::DOUBLE > 40", test=str(path)))
    assert source.test is not None
    assert len(source.train) == len(source.test) == len(older)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "incom"}, "--target incom: no column is called so: did you mean 'income'?"),
        ({"target": "7"}, "--target 7"),
        ({"drop": "age,size"}, "--drop size: no column"),
        ({"drop": "income"}, "--drop income: is the column to predict"),
        ({"types": "age"}, "--types age: write COLUMN=number or COLUMN=category"),
        ({"types": "age=text"}, "write COLUMN=number"),
        ({"types": "size*=number"}, "--types size*=number: no column is called so"),
        ({"where": "size > 1"}, "--where size > 1: "),
        ({"where": "age >"}, "--where age >: "),
        ({"where": "job > 3"}, "--where job > 3: "),
        ({"where": "true); DROP TABLE x; SELECT (true"}, "must be one SQL expression"),
        (
            {"where": "(SELECT count(*) FROM read_text('/etc/passwd')) > 0"},
            "file system operations are disabled",
        ),
        ({"where": "age > 40"}, "(text compares as numbers with ::DOUBLE)"),
        ({"where": "age::DOUBLE > 1000"}, "has no rows for which --where holds"),
        ({"delimiter": ";"}, "has one column only"),
        ({"header": False}, "holds numbers and 1 of what is not a number"),
    ],
)
def test_options_that_do_not_fit_the_table_are_refused_in_one_line(
    path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DnncliError) as caught:
        load(DataSpec(data=str(path), **options))
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("option", ["target", "drop", "types", "where", "delimiter", "label_strip"])
def test_tables_options_have_no_use_for_other_data(option: str) -> None:
    with pytest.raises(
        SpecError,
        match=rf"--{option.replace('_', '-')}: only tables have columns; digits is not one",
    ):
        load(DataSpec(data="digits", **{option: "x"}))
    with pytest.raises(
        SpecError, match=r"--test x\.csv: only a table has its test set in another file"
    ):
        load(DataSpec(data="digits", test="x.csv"))


def test_a_test_table_is_encoded_as_the_training_table(path: Path, tmp_path: Path) -> None:
    new = [dict(row, income=row["income"] + ".") for row in TABLE[:40]]
    new[0] |= {"job": "astronaut", "age": "old"}
    new[1] |= {"grade": ""}
    (tmp_path / "new.csv").write_text(csv_text(new))
    spec = DataSpec(data=str(path), test=str(tmp_path / "new.csv"), label_strip=".")
    source = reading.read(spec)
    x, names, y = expected()
    assert source.test is not None
    np.testing.assert_array_equal(source.test.x[2:], x[2:40])
    np.testing.assert_array_equal(source.test.y, y[:40])
    assert source.test.x[0, names.index("job other")] == 1
    assert source.test.x[0, names.index("age missing")] == 1
    assert source.test.x[1, names.index("grade other")] == 1
    told = " | ".join(sentences(source.notices))
    assert "new.csv: values that are levels that training had not, or too few of" in told
    assert "1 in job" in told
    assert "new.csv: values that are not numbers (taken as missing): 1 in age" in told
    assert "1 in grade" in told


def test_a_test_tables_unknown_labels_are_named_with_the_remedy(path: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(
        csv_text([dict(row, income=row["income"] + ".") for row in TABLE])
    )
    with pytest.raises(DataError) as caught:
        load(DataSpec(data=str(path), test=str(tmp_path / "new.csv")))
    assert "column 'income' has the unknown labels '<=50K.', '>50K.'" in str(caught.value)
    assert "with --label-strip . they fit" in str(caught.value)


def test_columns_are_matched_by_name_and_absent_ones_named(path: Path, tmp_path: Path) -> None:
    order = ["income", "day", "size", "note", "job", "grade", "age"]
    text = io.StringIO()
    writer = csv.DictWriter(text, order, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "size": "9"} for row in TABLE)
    (tmp_path / "new.csv").write_text(text.getvalue())
    source = reading.read(DataSpec(data=str(path), test=str(tmp_path / "new.csv")))
    assert source.test is not None
    np.testing.assert_array_equal(source.test.x, source.train.x)
    (tmp_path / "new.csv").write_text("day,income\n2024-01-01,>50K\n")
    with pytest.raises(
        DataError,
        match="lacks the columns 'age', 'job', 'grade', 'note': columns are matched by name",
    ):
        load(DataSpec(data=str(path), test=str(tmp_path / "new.csv")))


def test_a_column_without_a_name_is_called_by_its_number(tmp_path: Path) -> None:
    """The number that --target takes; with as many digits as the last one has."""
    assert numbered(3) == ["column1", "column2", "column3"]
    assert numbered(10)[0] == "column01"
    rows = "".join(f"{i % 3},{'xz'[i % 2]},{i * i % 7}\n" for i in range(90))
    (tmp_path / "rows.data").write_text(rows)
    for number in ("1", "2", "3"):
        spec = DataSpec(data=str(tmp_path / "rows.data"), header=False, target=number)
        encoding = reading.read(spec).encoding
        assert encoding is not None
        assert encoding.target == f"column{number}"


def test_a_table_without_a_header_is_read_by_its_order(tmp_path: Path) -> None:
    (tmp_path / "people.data").write_text(csv_text(header=False))
    (tmp_path / "new.data").write_text(csv_text(TABLE[:50], header=False))
    spec = DataSpec(
        data=str(tmp_path / "people.data"), test=str(tmp_path / "new.data"), header=False
    )
    source = reading.read(spec)
    assert source.encoding is not None
    assert source.encoding.layout == (
        "column1",
        "column2",
        "column3",
        "column4",
        "column5",
        "column6",
    )
    assert source.test is not None
    np.testing.assert_array_equal(source.test.x, expected()[0][:50])


def test_a_known_encoding_is_used_whatever_the_new_table_holds(path: Path, tmp_path: Path) -> None:
    known = load(DataSpec(data=str(path))).encoding
    (tmp_path / "few.csv").write_text(csv_text(TABLE[3:33]))
    dataset = load(DataSpec(data=str(tmp_path / "few.csv"), scale="none"), known, whole=True)
    for split in (dataset.train, dataset.validation, dataset.test):
        np.testing.assert_array_equal(split.x, expected()[0][3:33])
    assert dataset.encoding is known


def test_one_class_is_enough_to_be_evaluated(path: Path, tmp_path: Path) -> None:
    known = load(DataSpec(data=str(path))).encoding
    rich = [row for row in TABLE if row["income"] == ">50K"]
    (tmp_path / "rich.csv").write_text(csv_text(rich))
    dataset = load(DataSpec(data=str(tmp_path / "rich.csv")), known, whole=True)
    assert set(dataset.test.y) == {1}
    assert dataset.class_names == ("<=50K", ">50K")


def test_the_fingerprint_is_of_the_contents(path: Path, tmp_path: Path) -> None:
    first = load(DataSpec(data=str(path))).fingerprint
    assert load(DataSpec(data=str(path), scale="none", validation=7)).fingerprint == first
    assert load(DataSpec(data=str(path), drop="age")).fingerprint != first
    path.write_text(csv_text([*TABLE[1:], TABLE[0]]))
    assert load(DataSpec(data=str(path))).fingerprint != first


def test_levels_beyond_the_most_frequent_are_pooled(tmp_path: Path) -> None:
    rows = [f"level{i // 2:03d},{'pq'[i % 2]}" for i in range(600)]
    (tmp_path / "many.csv").write_text("a,y\n" + "\n".join(rows))
    dataset = load(DataSpec(data=str(tmp_path / "many.csv"), categories="one-hot"))
    assert dataset.features == 255 + 1
    assert "rare levels count as other: 90 in a" in sentences(dataset.notices)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1] * 50, "code"),
        ([0, 1] * 5, "number"),
        (list(range(10)) * 10, "code"),
        (list(range(11)) * 10, "number"),
        ([0.5, 1.5] * 50, "number"),
        ([1e6, 2e6] * 50, "code"),
        (["1", "2", "x"] * 30, "text"),
        (["True", "False"] * 30, "text"),
        (["2024-01-01", "2024-01-01 12:30:00"] * 30, "time"),
        (["12:30", "13:00"] * 30, "number"),
    ],
)
def test_a_columns_kind_follows_from_its_values(
    tmp_path: Path, values: list[Any], kind: str
) -> None:
    (tmp_path / "one.csv").write_text(
        "a,y\n" + "\n".join(f"{v},{'pq'[i % 3 % 2]}" for i, v in enumerate(values))
    )
    encoding = load(DataSpec(data=str(tmp_path / "one.csv"))).encoding
    assert encoding is not None
    assert encoding.columns[0].kind == kind


def one_column(tmp_path: Path, values: list[str], labels: str = "pq") -> Path:
    """A table of a column `a` and a target that takes its labels in turn."""
    path = tmp_path / "one.csv"
    rows = [f"{value},{labels[i % len(labels)]}" for i, value in enumerate(values)]
    path.write_text("\n".join(["a,y", *rows]))
    return path


MOMENTS = [np.datetime64("2024-03-01T12:00:00") + np.timedelta64(7 * i * i, "s") for i in range(40)]


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        # What each column's values are as numbers, worked out without the code under test.
        ([f"2024-{m:02}-{d:02}" for m in range(1, 5) for d in range(1, 11)],
         [float((np.datetime64(f"2024-{m:02}-{d:02}") - np.datetime64("2024-01-01")).astype(int))
          for m in range(1, 5) for d in range(1, 11)]),
        ([str(moment).replace("T", " ") for moment in MOMENTS], [7 * i * i / 86400 for i in range(40)]),
        ([str(1_700_000_000 + 3 * i) for i in range(40)], [3.0 * i for i in range(40)]),
        ([f"{1e6 + i / 1024:.10f}" for i in range(40)], [i / 1024 for i in range(40)]),
        ([f"{i / 7}" for i in range(40)], [i / 7 for i in range(40)]),
    ],
    ids=["dates", "seconds", "epoch seconds", "far from 0", "numbers"],
)  # fmt: skip
@pytest.mark.parametrize("gap", [False, True], ids=["complete", "with a gap"])
def test_the_values_of_a_column_keep_their_differences(
    tmp_path: Path, values: list[str], numbers: list[float], gap: bool
) -> None:
    path = one_column(tmp_path, [*values, ""] if gap else values)
    source = reading.read(DataSpec(data=str(path)))
    found = source.train.x[: len(numbers), 0].astype(np.float64)
    np.testing.assert_allclose(
        found - found[0], np.array(numbers) - numbers[0], rtol=1e-6, atol=1e-7
    )
    new = [*source.encoding.columns]  # type: ignore[union-attr]
    assert [column.kind in ("number", "time") for column in new] == [True]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_date_that_decides_the_class_is_learnable_from(tmp_path: Path, suffix: str) -> None:
    days = [np.datetime64("2021-01-01") + np.timedelta64(i, "D") for i in range(0, 400, 2)]
    rows = [f"{day},{'old' if day < np.datetime64('2021-07-01') else 'new'}" for day in days]
    path = tmp_path / f"dates{suffix}"
    (tmp_path / "dates.csv").write_text("\n".join(["when,y", *rows]))
    if suffix != ".csv":
        duckdb.sql(f"COPY (FROM '{tmp_path / 'dates.csv'}') TO '{path}'")
    dataset = load(DataSpec(data=str(path)))
    for split in (dataset.train, dataset.validation, dataset.test):
        old = split.y == dataset.class_names.index("old")
        assert split.x[old, 0].max() < split.x[~old, 0].min()


def test_adult_as_it_stands(shared: Path) -> None:
    folder = shared / "data" / "tables"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/tables")
    train, test = folder / "adult-train.csv", folder / "adult-test.csv"
    dataset = load(DataSpec(data=str(train), test=str(test), label_strip="."))
    assert [len(dataset.split(name)) for name in ("train", "validation", "test")] == [
        29_305,
        3256,
        16_281,
    ]
    assert (dataset.class_names, dataset.features) == (("<=50K", ">50K"), 115)
    with pytest.raises(
        DataError, match=r"unknown labels '<=50K\.', '>50K\.'.*with --label-strip \. they fit"
    ):
        load(DataSpec(data=str(train), test=str(test)))


def test_another_task_on_the_same_columns_has_its_own_target_and_classes(
    path: Path, tmp_path: Path
) -> None:
    known = load(DataSpec(data=str(path))).encoding
    assert known is not None
    new = [{**row, "income": ("none", "some", "much")[i % 3]} for i, row in enumerate(TABLE)]
    (tmp_path / "task.csv").write_text(csv_text(new))
    with pytest.raises(DataError, match="unknown labels 'much', 'none', 'some'"):
        load(DataSpec(data=str(tmp_path / "task.csv")), known)
    source = reading.read(DataSpec(data=str(tmp_path / "task.csv")), known, relabel=True)
    assert source.class_names == ("much", "none", "some")
    np.testing.assert_array_equal(source.train.x, expected()[0])
    with pytest.raises(SpecError, match="--target job: the network takes it as a feature"):
        reading.read(DataSpec(data=str(path), target="job"), known, relabel=True)
