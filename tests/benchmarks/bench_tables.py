"""Reading a 100 MB CSV of numbers (190,000 × 51) against numpy.loadtxt; run by hand.

    cd tests/benchmarks; python bench_tables.py [--rounds N] [--file big.csv] > tables.md

Each contender is a process of its own, and they take turns, so that a machine that changes its
speed changes it for all; times are of the call, imports aside but for DuckDB's, which dnncli
imports in it. Memory is the process's peak resident size (`ru_maxrss`), and what of it came after
the imports, in units of the float32 matrix of all values (38.8 MB).
"""

import argparse
import importlib.metadata
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 190_000, 51
MATRIX = ROWS * COLUMNS * 4
CONTENDERS = {
    "loadtxt": "numpy.loadtxt, float32",
    "read": "dnncli: the table read (`tables.reading.read`)",
    "load": "dnncli: read, split and standardised (`data.load`)",
    "parquet": "dnncli: the same from Parquet",
}


def write(path: Path) -> None:
    """Fifty normal columns with seven decimals, and a class from 0 to 9; as CSV and as Parquet."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(",".join([*(f"x{i}" for i in range(COLUMNS - 1)), "y"]) + "\n")
        for _ in range(0, ROWS, 10_000):
            block = np.c_[rng.normal(size=(10_000, COLUMNS - 1)), rng.integers(0, 10, 10_000)]
            np.savetxt(file, block, fmt=["%.7f"] * (COLUMNS - 1) + ["%d"], delimiter=",")
    import duckdb

    duckdb.sql(f"COPY (FROM read_csv('{path}')) TO '{path.with_suffix('.parquet')}'")


def megabytes() -> float:
    """The process's peak so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def contend(name: str, path: str) -> None:
    """Print the seconds of one reading, the peak in MB, and how much of that it added."""
    from dnncli.data import load
    from dnncli.spec import DataSpec

    before, began = megabytes(), time.perf_counter()
    if name == "write":
        write(Path(path))
    elif name == "loadtxt":
        np.loadtxt(path, np.float32, delimiter=",", skiprows=1)
    elif name == "read":
        from dnncli.data.tables import reading

        reading.read(DataSpec(data=path))
    else:
        load(DataSpec(data=path if name == "load" else str(Path(path).with_suffix(".parquet"))))
    print(time.perf_counter() - began, megabytes(), megabytes() - before)


def measure(path: Path, rounds: int) -> dict[str, list[tuple[float, ...]]]:
    """Every contender's figures, round by round."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            found[name].append(tuple(map(float, child(name, path).split())))
    return found


def child(name: str, path: Path) -> str:
    """What a process of its own prints.

    This one must stay small: Linux counts a parent's size in the peak of the child that it forks.
    """
    command = [sys.executable, __file__, "--contend", name, "--file", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def report(found: dict[str, list[tuple[float, ...]]]) -> None:
    """The table of tables.md: medians, and the median of ratios within a round."""
    version = importlib.metadata.version("duckdb")
    print("# Reading a 100 MB CSV of numbers (190,000 × 51)\n")
    print(
        f"`bench_tables.py`, {len(found['load'])} rounds; Python {platform.python_version()}, NumPy",
        end=" ",
    )
    print(f"{np.__version__}, DuckDB {version}, {len(os.sched_getaffinity(0))} CPU cores.")
    print("Asked for: at most 2 × loadtxt's time, at most 4 × the float32 matrix.\n")
    print("| | seconds | × loadtxt | peak MB | × matrix | added by it, MB | × matrix |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, what in CONTENDERS.items():
        seconds, peak, added = (
            statistics.median(column) for column in zip(*found[name], strict=True)
        )
        pairs = zip(found[name], found["loadtxt"], strict=True)
        ratio = statistics.median(own[0] / other[0] for own, other in pairs)
        sizes = " | ".join(f"{size:.0f} | {size * 2**20 / MATRIX:.2f}" for size in (peak, added))
        print(f"| {what} | {seconds:.2f} | {ratio:.2f} | {sizes} |")


def main() -> None:
    """Measure, or be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--contend", choices=[*CONTENDERS, "write"])
    arguments = parser.parse_args()
    if arguments.contend:
        contend(arguments.contend, str(arguments.file))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder, "big.csv")
        if not path.exists():
            child("write", path)
        report(measure(path, arguments.rounds))


if __name__ == "__main__":
    main()
