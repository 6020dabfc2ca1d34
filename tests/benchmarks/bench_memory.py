"""Peak memory of `train` in copies of its parameters, which dnncli/training/memory.py reckons with.

Run as `python tests/benchmarks/bench_memory.py > tests/benchmarks/memory.md`.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence

SMALL = "64,64"
WIDTHS = (5000, 7000)
OPTIMIZERS = (("sgd", "--lr", "0.01"), ("momentum", "--lr", "0.01"), ("adam",))


def peak(hidden: str, optimizer: Sequence[str]) -> int:
    """Bytes of memory that a process of two epochs on the digits had at most."""
    with tempfile.TemporaryDirectory() as folder:
        line = ["train", "--hidden", hidden, "--optimizer", *optimizer, "--epochs", "2", "--quiet"]
        child = subprocess.Popen(
            [sys.executable, "-m", "dnncli", *line, "--out", "x.ckpt"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return usage.ru_maxrss * 1024


def main() -> None:
    """Print the table."""
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


if __name__ == "__main__":
    main()
