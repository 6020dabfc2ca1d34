"""Try dnncli with faults of every kind, and count what comes of them; run by hand.

    python tests/faults/run.py [KIND…] [--count N] [--seed S] [--first INDEX | --only INDEX]

Prints a row of faults.md for each kind and every case that went wrong; ends with 1 where one did.
--first leaves out the cases before it, which another run has done. --only runs one case of a kind
again, here, and prints what came of it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # as pytest's `pythonpath` does
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # half of the time that compiling takes
# Programs are compiled once for all cases, but where the cache of programs is what is tried.
PROGRAMS = Path(tempfile.gettempdir(), f"dnncli-faults-programs-{os.getuid()}")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(PROGRAMS))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # as the program sets it
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # likewise, or a second thread would spin

import warm  # noqa: E402
from faults import runner  # noqa: E402
from faults.judge import Outcome  # noqa: E402
from faults.kinds import KINDS  # noqa: E402


def row(tally: runner.Tally) -> str:
    """A row of the table."""
    counts = [f"{tally.counts[outcome]:,}" for outcome in Outcome]
    cells = [tally.title, f"{tally.counts.total():,}", *counts, f"{tally.seconds / 60:.1f}"]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run the kinds that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    names = options.kinds or list(KINDS)
    warm.import_everything()
    if options.only is not None:
        cases = runner.cases(KINDS[names[0]], options.only + 1, options.seed, options.only)
        print(*(verdict for _, verdict in cases))
        return 0
    bad = 0
    for name in names:
        tally = runner.examine(KINDS[name], options.count, options.seed, _tell, options.first)
        print(row(tally), *tally.bad[: runner.KEPT], sep="\n", flush=True)
        bad += len(tally.bad)
    return int(bad > 0)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
