"""Try dnncli at both ends of the versions that pyproject.toml allows; run by hand, needs `uv`.

    python tests/dependency_range.py [--python VERSION]… [--only REGEX | --all]

For every Python (default: 3.11, 3.12 and 3.13, those that uv finds) and each end, the lowest
versions of what pyproject.toml names and the newest of everything, it installs dnncli with its
extras in a new environment and runs command lines there, each in a new folder: those of SMOKE,
which touch every library, or with --all all of `command_lines.py`. A traceback is a failure, and so
is another exit code than the newest versions give. Prints a table for each Python; ends with 1
where one failed.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from command_lines import COMMAND_LINES
from compare_versions import Contender, prepare

from dnncli.cli.installed import OPTIONAL, REQUIRED

ROOT = Path(__file__).parents[1]
ENDS = {"newest": "highest", "lowest": "lowest-direct"}  # what uv calls them
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = "plot,tensorboard,excel,images,onnx,sklearn,tune"
SHEET = (
    "import csv, openpyxl; book = openpyxl.Workbook();"
    " [book.active.append(row) for row in csv.reader(open('table.csv'))]; book.save('table.xlsx')"
)
ESTIMATOR = (
    "import numpy, dnncli; x = numpy.random.default_rng(0).normal(size=(60, 3));"
    " print(dnncli.DnnClassifier(hidden=(4,), epochs=2).fit(x, x[:, 0] > 0).score(x, x[:, 0] > 0))"
)
OWN_LINES = {
    "report": "dnncli report digits.ckpt page.html && grep -c '<html' page.html",
    "export, stablehlo": "dnncli export table.ckpt table.stablehlo",
    "tune": "dnncli tune --data cloud.npz --budget 3 --seeds 2 --format json",
    "scikit-learn": f'{{python}} -c "{ESTIMATOR}"',
    "excel": f'{{python}} -c "{SHEET}" && dnncli data show table.xlsx --format json',
    "versions": "dnncli --version --verbose",
    "scripts": "for shell in bash zsh fish; do dnncli completion $shell; done",
    "picture as PNG": "dnncli vanishing-demo --depth 4 --width 10 --plot v.png",
    "picture as PDF": "dnncli train --hidden 8 --epochs 2 --plot run.pdf",
    "doctor": "dnncli doctor --hidden 8 --epochs 2 --seeds 2 --budget 5; test $? = 0 -o $? = 4",
}
SMOKE = (
    *("train, the defaults", "train, table's options", "train, JSON lines", "train, IDX"),
    *("train, npz", "train, batch norm", "train, critical", "train, other rules"),
    *("train, adamw", "train, resume", "train, saved options", "train, diverges"),
    *("train, plot", "train, tensorboard", "eval, everything", "predict, parquet"),
    *(
        "predict, stdin",
        "export, torch",
        "export, onnx",
        "transfer, csv and plot",
        "transfer, auto",
    ),
    *("compare-activations, plot", "compare-activations, json", "vanishing-demo, training"),
    *("data show, json", "help", "wrong usage", "wrong data", *OWN_LINES),
)


@dataclass
class Environment:
    """A Python with dnncli and one end of the versions, and how its command lines ended."""

    python: str
    end: str
    versions: dict[str, str]
    codes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)  # command line: what is wrong


def uv(*arguments: str) -> str:
    """What uv prints."""
    program = [shutil.which("uv") or f"{Path(sys.executable).parent}/uv"]
    ran = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"uv {' '.join(arguments)}: {ran.stderr.strip()}")
    return ran.stdout


def install(version: str, end: str, root: Path) -> Path:
    """The Python of a new environment with dnncli."""
    folder = root / "venv"
    uv("venv", "--quiet", "--python", version, str(folder))
    python = folder / "bin" / "python"
    package = f"{ROOT}[{EXTRAS}]"
    uv("pip", "install", "--quiet", "--python", str(python), "--resolution", ENDS[end], package)
    return python


def installed(python: Path) -> dict[str, str]:
    """The versions of dnncli's libraries in an environment."""
    listed = uv("pip", "freeze", "--python", str(python)).lower()
    names = (*REQUIRED, *OPTIONAL)
    return {name: found for name in names if (found := _version(listed, name))}


def _version(listed: str, name: str) -> str | None:
    match = re.search(rf"^{re.escape(name.lower())}==(\S+)$", listed, re.M)
    return match[1] if match else None


def attempt(version: str, end: str, lines: dict[str, str]) -> Environment:
    """Install one end and run the command lines there."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        python = install(version, end, root)
        made = Environment(version, end, installed(python))
        contender = Contender(f"{version} {end}", str(python), None, root / "cache")
        given = prepare(contender, root)
        for title, line in lines.items():
            folder = root / "run"
            shutil.copytree(given, folder)
            ran = contender.run(line.replace("{python}", str(python)), folder)
            shutil.rmtree(folder)
            made.codes[title] = ran.returncode
            if "Traceback" in ran.stderr:
                made.faults[title] = ran.stderr.strip().splitlines()[-1]
            print(f"  {version} {end}: {title}: {ran.returncode}", file=sys.stderr)
    return made


def compare(newest: Environment, other: Environment) -> None:
    """Add to the faults of `other` the exit codes that are not those of the newest versions."""
    for title, code in other.codes.items():
        if code != newest.codes[title]:
            other.faults.setdefault(title, f"exit code {code}, not {newest.codes[title]}")


def table(environments: Sequence[Environment]) -> str:
    """Libraries in rows, environments in columns."""
    heads = [f"{made.python}, {made.end}" for made in environments]
    names = list(dict.fromkeys(name for made in environments for name in made.versions))
    rows = [["", *heads], ["---"] * (1 + len(heads))]
    rows += [[name, *(made.versions.get(name, "-") for made in environments)] for name in names]
    rows += [["command lines", *(str(len(made.codes)) for made in environments)]]
    rows += [["failed", *(str(len(made.faults)) for made in environments)]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def chosen(only: str | None, everything: bool) -> dict[str, str]:
    """The command lines to run, by title."""
    lines = COMMAND_LINES | OWN_LINES
    if only:
        return {title: line for title, line in lines.items() if re.search(only, title)}
    return lines if everything else {title: lines[title] for title in SMOKE}


def main() -> int:
    """Try every Python and end; print the table and what failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append")
    parser.add_argument("--only")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    lines = chosen(options.only, options.all)
    environments: list[Environment] = []
    for version in options.python or PYTHONS:
        both = [attempt(version, end, lines) for end in ENDS]
        compare(both[0], both[1])
        environments += both
        print(table(both) + "\n", flush=True)
    faults = [(made, *fault) for made in environments for fault in made.faults.items()]
    for made, title, fault in faults:
        print(f"{made.python}, {made.end}: {title}: {fault}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
