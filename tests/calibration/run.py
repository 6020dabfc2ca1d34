"""Calibrate the verdicts of `dnncli train` on sick and healthy networks; run by hand.

    python tests/calibration/run.py --half design|evaluation|both [--sample N] [--minutes M]
        [--results FOLDER] [--only REGEX] [--constant] [--relabel] [--save-labels] [--verbose]

prints the tables of `calibration.md`. --sample takes N sick candidates, in the order of the hashes
of their names, and half as many healthy ones, the same ones every time; --minutes takes no new case
after so long. What was measured is kept in --results: a run that was stopped goes on where it was,
and after a change of the rules nothing is trained again but new remedies. After a change of what is
measured (not of rules, nor of what trains, which it sees) give another folder. --constant also
tries the remedy of a constant answer. Labels, which case is sick and which is not, are read from
`labels.json`, and measured where they are not there; --save-labels adds them.
"""

import argparse
import hashlib
import re
import sys
import tempfile
import time
from itertools import zip_longest
from pathlib import Path

LABELS = Path(__file__).with_name("labels.json")


def main() -> None:
    """Print the tables."""
    chosen = _options()
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest's `pythonpath` does
    import quick

    # A third of the time to compile; what networks reach is the same.
    with quick.compilation():
        _calibrate(chosen)


def _calibrate(chosen: argparse.Namespace) -> None:
    """Measure and judge the cases asked for."""
    from calibration import measuring, scoring

    folder = chosen.results or Path(tempfile.gettempdir(), "dnncli-calibration")
    runner = measuring.Runner(folder)
    known = {} if chosen.relabel else measuring.read_labels(LABELS)
    labels = []
    verdicts = []
    ends = time.monotonic() + 60 * chosen.minutes
    for case in select(chosen):
        if time.monotonic() > ends:
            break
        label = runner.label(case, known)
        verdict = None
        if label.holds:
            runner.outcome(case.twin)
        if label.holds and case.truth:
            verdict = scoring.judge(runner, label, chosen.constant)
            verdicts.append(verdict)
        labels.append(label)
        if chosen.save_labels:
            measuring.write_labels(LABELS, [label])
        if chosen.verbose:
            print(scoring.line(runner, label, verdict), flush=True)
    print("\n".join(scoring.report(runner, labels, verdicts, chosen.constant)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("design", "evaluation", "both"), required=True)
    parser.add_argument("--sample", type=int, metavar="N")
    parser.add_argument("--minutes", type=float, default=float("inf"), metavar="M")
    parser.add_argument("--results", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name this matches")
    parser.add_argument("--constant", action="store_true")
    parser.add_argument(
        "--relabel", action="store_true", help="measure labels that are stored, too"
    )
    parser.add_argument("--save-labels", action="store_true", help=f"store them in {LABELS.name}")
    parser.add_argument("--verbose", action="store_true", help="a line for every case, at once")
    return parser.parse_args()


def select(chosen: argparse.Namespace) -> list:
    """The cases asked for, two sick ones for each healthy one; any beginning is a random sample."""
    from calibration import cases

    groups = []
    for group, share in ((cases.sick(), 1), (cases.healthy(), 2)):
        fitting = [case for case in group if chosen.half in (case.half, "both")]
        fitting = [case for case in fitting if re.search(chosen.only, case.name)]
        limit = chosen.sample and chosen.sample // share
        groups.append(by_hash(fitting)[:limit])
    sick, healthy = groups
    in_turn = zip_longest(sick[::2], sick[1::2], healthy)
    return [case for three in in_turn for case in three if case]


def by_hash(group: list) -> list:
    """A random order, the same every time."""
    return sorted(group, key=lambda case: hashlib.sha256(case.name.encode()).digest())


if __name__ == "__main__":
    main()
