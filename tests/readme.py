"""The README's commands; `python tests/readme.py` runs its consoles and writes them anew."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MNIST = ROOT.parent / "shared" / "data" / "mnist"
TABLES = ROOT.parent / "shared" / "data" / "tables"
CONSOLE = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(?P<body>.*?)```", re.DOTALL)
ROW = re.compile(r"^\|.*?\| `(?P<command>dnncli [^`]+)` \|", re.MULTILINE)
ELLIPSIS = "…"  # a line of this alone stands for lines left out


@dataclass(frozen=True)
class Console:
    """A command and what it printed when the README was written."""

    command: str
    output: str


def consoles() -> list[Console]:
    """Every console block."""
    return [Console(m["command"], m["output"]) for m in CONSOLE.finditer(README.read_text())]


def commands() -> list[str]:
    """Every other dnncli command, in the README's order: later ones use the files of earlier ones."""
    text = README.read_text()
    found = [(m.start(), line) for m in SHELL.finditer(text) for line in m["body"].splitlines()]
    found += [(m.start(), m["command"]) for m in ROW.finditer(text)]
    # sorted() is stable: lines of one block keep their order.
    lines = [line.split("  #")[0].strip() for _, line in sorted(found, key=lambda pair: pair[0])]
    return [line for line in lines if line.startswith("dnncli ")]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command line in a shell, in a folder, as in a pipe of 80 columns or more."""
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("COLUMNS", None)
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


def shape(output: str) -> list[str]:
    """An output without what changes from machine to machine: numbers, bars and blanks."""
    plain = re.sub(r"[-+]?\d[\d,.]*(e[-+]?\d+)?|[█▉▊▋▌▍▎▏▁-▇]+", "0", output)
    plain = re.sub(r"\b0 (ms|s|min)\b", "0 s", plain)
    return [" ".join(line.replace("*", "").split()) for line in plain.splitlines() if line.strip()]


def main() -> None:
    """Write every console's output anew; a long one keeps its head and tail."""
    with tempfile.TemporaryDirectory() as folder:
        text = README.read_text()
        for console in consoles():
            done = run(console.command, Path(folder))
            fresh = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"
            old = f"```console\n$ {console.command}\n{console.output}```"
            text = text.replace(old, f"```console\n$ {console.command}\n{fresh}```")
        README.write_text(text)


if __name__ == "__main__":
    main()
