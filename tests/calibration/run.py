"""Calibrate the verdicts of `dnncli train` on sick and healthy networks; run by hand.

    python tests/calibration/run.py --half design|evaluation|both [--sample N] [--jobs N]
        [--results FOLDER] [--only REGEX] [--constant] [--relabel] [--save-labels] [--verbose]

prints the tables of `calibration.md`. --sample takes N sick candidates, causes in turn, and half as
many healthy ones, the same ones every time. Outcomes are kept in --results, by the program's
source: after a change of the program everything is run again. --constant also tries the remedy of a
constant answer. Labels, which case is sick and which is not, are read from `labels.json`, and
measured where they are not there; --save-labels adds them.
"""

import argparse
import hashlib
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

LABELS = Path(__file__).with_name("labels.json")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("design", "evaluation", "both"), required=True)
    parser.add_argument("--sample", type=int, metavar="N")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name this matches")
    parser.add_argument("--constant", action="store_true")
    parser.add_argument(
        "--relabel", action="store_true", help="measure labels that are stored, too"
    )
    parser.add_argument("--save-labels", action="store_true", help=f"store them in {LABELS.name}")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest's `pythonpath` does
    from calibration import measuring, scoring

    folder = chosen.results or Path(tempfile.gettempdir(), "dnncli-calibration")
    runner = measuring.Runner(folder, chosen.jobs)
    known = {} if chosen.relabel else measuring.read_labels(LABELS)
    labels = runner.labels(select(chosen), known)
    if chosen.save_labels:
        measuring.write_labels(LABELS, labels)
    verdicts = scoring.judge(runner, labels, chosen.constant)
    if chosen.verbose:
        print("\n".join(scoring.lines(runner, labels, verdicts)), end="\n\n")
    print("\n".join(scoring.report(runner, labels, verdicts, chosen.constant)))


def select(chosen: argparse.Namespace) -> list:
    """The cases asked for; a sample takes causes in turn, and of each by the hash of the name."""
    from calibration import cases

    wanted = []
    for group, share in ((cases.sick(), 1), (cases.healthy(), 2)):
        fitting = [case for case in group if chosen.half in (case.half, "both")]
        fitting = [case for case in fitting if re.search(chosen.only, case.name)]
        limit = chosen.sample and chosen.sample // share
        wanted += in_turn(fitting)[:limit]
    return wanted


def in_turn(group: list) -> list:
    """Cases ordered so that any beginning holds all causes, as far as there are any left."""
    group = sorted(group, key=lambda case: hashlib.sha256(case.name.encode()).digest())
    before: Counter[str | None] = Counter()
    places = []
    for case in group:
        places.append(before[case.truth])
        before[case.truth] += 1
    order = sorted(range(len(group)), key=places.__getitem__)
    return [group[index] for index in order]


if __name__ == "__main__":
    main()
