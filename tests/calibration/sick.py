"""The 28 sick networks of `../shared/sick/README.md`, by their commands; run by hand.

    python tests/calibration/sick.py [--only 1,2,3] [--seed N]

runs each command line of its table with `dnncli train`, holds the first finding against the true
cause, follows the first remedy to the letter and prints the table of `sick.md`, a row at once. A
remedy works where the accuracy comes within 0.05 of what the table's own cure reached, or of what
healthy runs on the same data reach where it names no number.
"""

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

SICK = Path(__file__).parents[3] / "shared" / "sick"
MARGIN = 0.05
ROW = re.compile(r"\| (\d+) \| `([^`]+)`")


@dataclass(frozen=True)
class Expected:
    """Rules that name the true cause; the accuracy of a cure, None where no option can help."""

    rules: tuple[str, ...]
    cured: float | None


EXPECTED = {
    1: Expected(("unstable",), 0.98),
    2: Expected(("unstable",), 0.91),
    3: Expected(("slow",), 0.95),
    4: Expected(("vanishing",), 0.56),
    5: Expected(("exploding",), 0.95),
    6: Expected(("exploding", "saturated"), 0.97),
    7: Expected(("saturated",), 0.93),
    8: Expected(("unstable",), 0.98),
    9: Expected(("unstable",), 0.98),
    10: Expected(("inputs",), 0.78),
    11: Expected(("inputs",), 0.78),
    12: Expected(("inputs",), None),
    13: Expected(("normalisation",), 0.96),
    14: Expected(("few-examples",), None),
    15: Expected(("labels", "not-learning"), None),
    16: Expected(("labels",), None),
    17: Expected(("imbalance",), None),
    18: Expected(("over-regularised",), 0.98),
    19: Expected(("over-regularised",), 0.95),
    20: Expected(("slow",), 0.91),
    21: Expected(("normalisation",), 0.98),
    22: Expected(("inputs",), None),
    23: Expected(("over-regularised",), 0.95),
    24: Expected(("under-capacity",), 0.95),
    25: Expected(("overfitting",), 0.72),
    26: Expected(("unstable",), 0.94),
    27: Expected(("under-capacity",), 0.77),
    28: Expected(("unstable",), 0.95),
}


def main() -> None:
    """Print the table."""
    chosen = _options()
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest's `pythonpath` does
    only = [int(number) for number in chosen.only.split(",") if number]
    print("| id | `dnncli train …` | acc | said first | right | first remedy | acc | works |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    named = works = total = 0
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        subprocess.run([sys.executable, SICK / "make_tables.py", folder], check=True)
        for number, line in commands():
            if only and number not in only:
                continue
            right, mended, text = judged(number, line, chosen.seed)
            named += right
            works += mended
            total += 1
            print(text, flush=True)
    print(f"\n{named} of {total} named rightly; {works} of {total} with a remedy that works, or")
    print("rightly none.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="IDS", help="numbers with commas between")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def commands() -> list[tuple[int, str]]:
    """Each row's number and options."""
    return [(int(number), line) for number, line in ROW.findall((SICK / "README.md").read_text())]


def judged(number: int, line: str, seed: int) -> tuple[bool, bool, str]:
    """Whether a network is named rightly and its remedy works, and its row of the table."""
    from calibration.measuring import remedied

    from dnncli.diagnosis import remedy

    run = parsed(line)
    expected = EXPECTED[number]
    accuracy, verdict, changes = trained(dict(run.options), seed)
    right = verdict in expected.rules
    if not changes:
        works = expected.cured is None
        cells = f"none | – | {_word(works)}"
    else:
        after, then, _ = trained(dict(remedied(run, changes).options), seed)
        works = expected.cured is not None and after >= expected.cured - MARGIN
        cells = f"`{remedy.flags(changes)}` | {after:.2f}, {then} | {_word(works)}"
    said = f"{accuracy:.2f} | {verdict} | {_word(right)}"
    return right, works, f"| {number} | `{line}` | {said} | {cells} |"


def parsed(line: str):
    """A command line's options as the calibration has them."""
    from calibration.cases import Run
    from calibration.tables import Recipe

    options: dict[str, str] = {}
    name = ""
    for word in shlex.split(line):
        if word.startswith("--"):
            name = word.removeprefix("--")
            options[name] = ""
        else:
            options[name] = word
    return Run.of(Recipe("digits"), options)


def trained(options: dict[str, str], seed: int) -> tuple[float, str, dict]:
    """Test accuracy, verdict and the first remedy's changes."""
    from shell import run

    line = ["--seed", str(seed), "--out", "run.ckpt", "--overwrite", "--format", "json", "-q"]
    for name, value in options.items():
        line += [f"--{name}", value] if value else [f"--{name}"]
    result = run("train", *line)
    if not result.out:
        raise SystemExit(f"dnncli train {shlex.join(line)}: {result.err}")
    record = result.json
    findings = record["health"]["findings"]
    first = (findings[0]["remedy"] if findings else None) or {"changes": {}}
    score = record["test"]["accuracy"] if record["test"] else 0.0
    return score, record["health"]["verdict"], first["changes"]


def _word(true: bool) -> str:
    return "yes" if true else "NO"


if __name__ == "__main__":
    main()
