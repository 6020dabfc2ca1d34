"""A table larger than --memory against the same rows in memory: rows a second, and address space.

`python tests/benchmarks/bench_blocks.py FOLDER ROWS MEMORY LIMIT` makes a Parquet table of ROWS rows
of 64 numbers in FOLDER, by links to one file of PART rows, so that a table of 20 GB needs little of
the disk besides what is encoded (256 bytes a row). It trains two epochs of it with --memory MEMORY
under a limit of LIMIT bytes of address space, and of the first PART rows in memory without a limit.
Rows a second are of the second epoch: by the clock, and by processor time where others share the
machine.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb

COLUMNS = 64
PART = 500_000
ANSWER = "CASE WHEN c0 + c1 * c2 + 0.5 * c3 > 0 THEN 'yes' ELSE 'no' END"
OPTIONS = (
    "--epochs",
    "2",
    "--hidden",
    "50,50",
    "--batch-size",
    "512",
    "--scale",
    "robust",
    "--format",
    "json",
    "-q",
)


def make(folder: Path, rows: int) -> Path:
    """One file and links to it; the pattern that names them all."""
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "part-000.parquet"
    if not first.exists():
        numbers = ", ".join(f"(random() * 2 - 1)::FLOAT AS c{i}" for i in range(COLUMNS))
        drawn = f"(SELECT {numbers} FROM range({PART}))"
        query = f"SELECT *, {ANSWER} AS answer FROM {drawn}"
        duckdb.execute(f"COPY ({query}) TO '{first}' (FORMAT parquet, COMPRESSION uncompressed)")
    for number in range(1, -(-rows // PART)):
        link = folder / f"part-{number:03d}.parquet"
        if not link.exists():
            os.link(first, link)
    return folder / "part-*.parquet"


def train(data: Path, limit: int | None, *options: str) -> dict[str, float]:
    """A training in a process of its own: its second epoch's rows a second, and its memory."""
    command = [sys.executable, "-m", "dnncli", "train", "--data", str(data), *OPTIONS, *options]

    def limited() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr)
    record = json.loads(done.stdout)
    return {
        "rows": record["data"]["train"],
        "seconds": record["epochs"][1]["seconds"],
        "rows a second": record["data"]["train"] / record["epochs"][1]["seconds"],
        "whole run, seconds": time.perf_counter() - began,
        "whole run, processor seconds": after.ru_utime
        + after.ru_stime
        - before.ru_utime
        - before.ru_stime,
        "most memory of all runs so far, MB": after.ru_maxrss / 1024,
        "accuracy": record["epochs"][1]["val_accuracy"],
    }


def main() -> None:
    """Print both runs."""
    folder = Path(sys.argv[1])
    rows = int(sys.argv[2])
    pattern = make(folder, rows)
    out = folder / "run.ckpt"
    keep = ("--out", str(out), "--overwrite")
    one = folder / "part-000.parquet"
    print("in memory", json.dumps(train(one, None, *keep), indent=1))
    print("in blocks", json.dumps(train(pattern, int(sys.argv[4]), "--memory", sys.argv[3], *keep)))


if __name__ == "__main__":
    main()
