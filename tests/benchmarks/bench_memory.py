"""Peak memory of `train`: in copies of its parameters, which dnncli/training/memory.py reckons with,
and for large data.

Run as `python tests/benchmarks/bench_memory.py FOLDER > tests/benchmarks/memory.md`, FOLDER being
MNIST's four files.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SMALL = "64,64"
WIDTHS = (5000, 7000)
ROWS = 120_000  # of a table of 100 MB
COLUMNS = 100
OPTIMIZERS = (("sgd", "--lr", "0.01"), ("momentum", "--lr", "0.01"), ("adam",))


def peak(hidden: str, optimizer: Sequence[str]) -> int:
    """Bytes of memory that a process of two epochs on the digits had at most."""
    return of_train("--hidden", hidden, "--optimizer", *optimizer, "--epochs", "2")


def of_train(*line: str) -> int:
    """Bytes of memory that a process of `train` had at most."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, "-m", "dnncli", "train", *line, "--quiet", "--out", "x.ckpt"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return usage.ru_maxrss * 1024


def of_data(mnist: str) -> None:
    """Print the table of data; a first run compiles, a second finds its programs."""
    print("\n# Peak memory of `train` by data\n")
    print("| data | features as float32, MB | compiling, MB | later, MB |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "numbers.csv")
        rng = np.random.default_rng(0)
        x = rng.standard_normal((ROWS, COLUMNS + 1))
        x[:, -1] = x[:, 0] + x[:, 1] > 0
        header = ",".join(["label" if i == COLUMNS else f"f{i}" for i in range(COLUMNS + 1)])
        np.savetxt(path, x, "%.5f", ",", header=header, comments="")
        small = ("--hidden", SMALL, "--epochs", "1")
        lines = {
            "the digits": (1797 * 64, small),
            "MNIST, 10 epochs": (70_000 * 784, ("--data", mnist, "--epochs", "10")),
            f"{ROWS:,} × {COLUMNS} numbers of a CSV": (
                ROWS * COLUMNS,
                ("--data", str(path), *small),
            ),
        }
        for name, (numbers, line) in lines.items():
            peaks = [of_train(*line) / 1e6 for _ in range(2)]
            print(f"| {name} | {4 * numbers / 1e6:.0f} | {peaks[0]:.0f} | {peaks[1]:.0f} |")


def main() -> None:
    """Print the tables."""
    total = os.sysconf("SC_PHYS_PAGES") * resource.getpagesize() / 2**30
    print("# Peak memory of `train` in copies of its parameters\n")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {total:.0f} GiB. `bench_memory.py`.\n")
    print("| optimizer | hidden | parameters, MB | peak beyond a small network's, MB | copies |")
    print("| --- | --- | --- | --- | --- |")
    for optimizer in OPTIMIZERS:
        base = peak(SMALL, optimizer)
        for width in WIDTHS:
            size = 4 * (64 * width + width + width * width + width + width * 10 + 10)
            more = peak(f"{width},{width}", optimizer) - base
            figures = f"{size / 1e6:.0f} | {more / 1e6:.0f} | {more / size:.1f}"
            print(f"| {optimizer[0]} | {width},{width} | {figures} |", flush=True)
    of_data(sys.argv[1])


if __name__ == "__main__":
    main()
