"""How long the shell waits for help, a usage error and a completion, against importing Click and Rich.

    python tests/benchmarks/bench_startup.py

Whole processes, taken in turn; ratios are of runs that stood next to each other.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
DNNCLI = str(Path(sys.executable).parent / "dnncli")
COMMANDS = {
    "python -c 'import click, rich'": ([sys.executable, "-c", "import click, rich"], {}),
    "dnncli --help": ([DNNCLI, "--help"], {}),
    "dnncli train --help": ([DNNCLI, "train", "--help"], {}),
    "dnncli train --act reul": ([DNNCLI, "train", "--act", "reul"], {}),
    "dnncli train --act <TAB>": (
        [DNNCLI],
        {
            "_DNNCLI_COMPLETE": "bash_complete",
            "COMP_WORDS": "dnncli train --act ",
            "COMP_CWORD": "3",
        },
    ),
}


def seconds(arguments: list[str], variables: dict[str, str]) -> float:
    """The wall time of one process."""
    began = time.perf_counter()
    subprocess.run(arguments, env={**os.environ, **variables}, capture_output=True, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS + 1):
        for name, (arguments, variables) in COMMANDS.items():
            times[name].append(seconds(arguments, variables))
    base = next(iter(times.values()))[1:]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds\n")
    print("| command | seconds | against importing Click and Rich |")
    print("| --- | --- | --- |")
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values[1:], base, strict=True))
        print(f"| `{name}` | {statistics.median(values[1:]):.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
