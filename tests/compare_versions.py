"""Compare installed versions of dnncli over the command lines of `command_lines.py`; run by hand.

    python tests/compare_versions.py OLD NEW… [--python PYTHON] [--only REGEX]
        [--allow REGEX|@FILE]… [--caches FOLDER] [--all]

OLD and every NEW is a Python that has dnncli installed, or a folder with its source, which --python
(default: this one) runs through PYTHONPATH. Every command line runs in a new folder, in a process
of its own, under OLD and under NEW. What must be the same: the exit code, stdout, stderr, and every
file that was written; checkpoints byte for byte. What may differ: wall times, absolute paths, the
time of day in a file's name, versions (where they alone differ, a checkpoint's tensors and the rest
of its metadata are compared).

--allow names a deliberate difference: a regular expression found in the line that reports it
(`COMMAND: PLACE: old → new`); @FILE holds one on each line, # begins a line of comment. Ends
with 1 where anything else differs.
"""

import argparse
import csv
import difflib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_lines import COMMAND_LINES, PREPARATION, write_files

TIME_OF_DAY = re.compile(r"\d{8}-\d{6}(-\d+)?")
DURATION = re.compile(r"\b\d+(\.\d+)? ?(ms|s|min|h)\b|[\d,]+ a second")
ASIDE = re.compile(r"versions?$|sha256$|.*seconds?$")  # fields of JSON and columns of CSV
MISSING = "(missing)"
# matplotlib makes the names of an SVG's parts anew each time; TensorBoard's records hold times.
SVG_NAME = re.compile(r'(?<=[#"])[a-z]*[0-9a-f]{8,}(?=["\)])')
SVG_DATE = re.compile(r"<dc:date>.*?</dc:date>")
SHOWN = 150


@dataclass(frozen=True)
class Contender:
    """A version: the Python that runs it, the folder of its source (None: installed), its cache."""

    name: str
    python: str
    source: str | None
    cache: Path

    def environment(self) -> dict[str, str]:
        """The environment of its processes: none of the user's dnncli options, a fixed width."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("DNNCLI_")}
        own.pop("PYTHONPATH", None)
        if self.source:
            own["PYTHONPATH"] = self.source
        fixed = {"DNNCLI_CACHE": str(self.cache), "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
        return own | fixed | {"NO_COLOR": "1"}

    def run(self, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """A line of Bash in that folder, in which `dnncli` is this version."""
        script = f'dnncli() {{ "{self.python}" -m dnncli "$@"; }}\n{line}'
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            timeout=600,
        )


Outcome = dict[
    str, Any
]  # by place (`exit code`, `stdout`, `stdout[3].loss`, a file): what is there


def contender(where: str, python: str, cache: Path) -> Contender:
    """The version that an argument names."""
    path = Path(where)
    if path.is_dir():
        return Contender(where, python, str(path.resolve()), cache)
    return Contender(where, where, None, cache)


def prepare(version: Contender, root: Path) -> Path:
    """A folder with the files and checkpoints that command lines read."""
    folder = root / "given"
    folder.mkdir()
    write_files(folder)
    for name, line in PREPARATION.items():
        ran = version.run(f"dnncli {line}", folder)
        if not (folder / name).exists():
            sys.exit(f"{version.name}: {line}: {ran.stderr}")
    return folder


def outcome(version: Contender, line: str, root: Path) -> Outcome:
    """What a command line yields, flat: everything that must be the same."""
    folder = root / "run"
    shutil.copytree(root / "given", folder)
    try:
        ran = version.run(line, folder)
        hide = {str(folder): "FOLDER", str(version.cache): "CACHE"}
        found = {"exit code": ran.returncode}
        found |= text_parts("stdout", hidden(ran.stdout, hide))
        found |= text_parts("stderr", hidden(ran.stderr, hide))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found |= file_parts(path, folder, hide)
    finally:
        shutil.rmtree(folder)
    return found


def hidden(text: str, hide: dict[str, str]) -> str:
    """The text without the folders' names and the time of day."""
    for path, word in hide.items():
        text = text.replace(path, word)
    return TIME_OF_DAY.sub("TIME", text)


def file_parts(path: Path, folder: Path, hide: dict[str, str]) -> Outcome:
    """A file's content by place."""
    name = hidden(str(path.relative_to(folder)), hide)
    if ".tfevents." in name:
        return {name.split(".tfevents.")[0]: "events"}
    data = path.read_bytes()
    if path.suffix in (".ckpt", ".safetensors") and data:
        return {name: data} | checkpoint_parts(name, data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {name: data}
    if path.suffix == ".svg":
        text = SVG_DATE.sub("", SVG_NAME.sub("NAME", text))
    return text_parts(name, hidden(text, hide))


def checkpoint_parts(name: str, data: bytes) -> Outcome:
    """The tensors and metadata of a safetensors file: 8 bytes of length, JSON, bytes of tensors."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
    except (struct.error, ValueError, MemoryError):
        return {}
    body = data[8 + length :]
    metadata = header.pop("__metadata__", {})
    parts = {f"{name} {key}": body[slice(*entry["data_offsets"])] for key, entry in header.items()}
    for key, value in metadata.items():
        parts |= text_parts(f"{name} {key}", value)
    return parts


def text_parts(place: str, text: str) -> Outcome:
    """JSON by field, JSON lines by line and field, other text by line."""
    lines = text.splitlines()
    try:
        return flat(place, json.loads(text))
    except ValueError:
        pass
    try:
        records = [json.loads(line) for line in lines]
        return flat(place, records)
    except ValueError:
        return {place: table_lines(lines)}


def table_lines(lines: list[str]) -> list[str]:
    """Lines without times; those of a CSV without its columns of seconds."""
    if lines and re.search(r"(^|,)\w*seconds?(,|$)", lines[0]):
        rows = list(csv.reader(io.StringIO("\n".join(lines))))
        kept = [index for index, name in enumerate(rows[0]) if not ASIDE.match(name)]
        return [without(row, kept) for row in rows]
    # The time's length moves what stands beside it.
    return [re.sub(r"[\s─]+", " ", DURATION.sub("TIME", line)).strip() for line in lines]


def without(row: list[str], kept: list[int]) -> str:
    """A row's kept columns."""
    return ",".join(cell for index, cell in enumerate(row) if index in kept)


def flat(place: str, value: object) -> Outcome:
    """JSON as places and plain values; without versions and seconds."""
    if isinstance(value, dict):
        fields = {key: item for key, item in value.items() if not ASIDE.match(key)}
        parts = [flat(f"{place}.{key}", item) for key, item in fields.items()]
    elif isinstance(value, list):
        parts = [flat(f"{place}[{index}]", item) for index, item in enumerate(value)]
    else:
        return {place: value}
    merged: Outcome = {place: "…"}
    for part in parts:
        merged |= part
    return merged


def differences(old: Outcome, new: Outcome) -> Iterator[str]:
    """Every place where two outcomes differ, as `PLACE: old → new`."""
    for place in [*old, *(place for place in new if place not in old)]:
        before = old.get(place, MISSING)
        after = new.get(place, MISSING)
        if isinstance(before, list) and isinstance(after, list):
            yield from (f"{place}: {text}" for text in line_differences(before, after))
        elif before != after and not only_versions(place, old, new):
            yield f"{place}: {shown(before)} → {shown(after)}"


def only_versions(place: str, old: Outcome, new: Outcome) -> bool:
    """Whether this is a checkpoint whose parts, which are compared by themselves, are all known."""
    parts = [key for key in old if key.startswith(f"{place} ") and key in new]
    return isinstance(old.get(place), bytes) and bool(parts) and versions_differ(place, old, new)


def versions_differ(place: str, old: Outcome, new: Outcome) -> bool:
    """Whether two checkpoints say that different versions wrote them."""
    pattern = re.compile(rb'"versions\\?":\{[^}]*\}')
    found = [pattern.search(outcome[place]) for outcome in (old, new)]
    return all(found) and found[0].group() != found[1].group()


def line_differences(before: list[str], after: list[str]) -> Iterator[str]:
    """Lines that were replaced, taken away or added."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            for index in range(max(b - a, d - c)):
                old = before[a + index] if a + index < b else MISSING
                new = after[c + index] if c + index < d else MISSING
                yield f"{shown(old)} → {shown(new)}"


def shown(value: object) -> str:
    """A value, cut to a readable length; bytes by their number."""
    text = f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def allowances(arguments: list[str]) -> list[re.Pattern[str]]:
    """The deliberate differences that --allow names."""
    patterns = []
    for argument in arguments:
        if argument.startswith("@"):
            lines = Path(argument[1:]).read_text().splitlines()
            rules = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
        else:
            rules = [argument]
        patterns += map(re.compile, rules)
    return patterns


def is_allowed(difference: str, allowed: list[re.Pattern[str]]) -> bool:
    """Whether a difference is a deliberate one."""
    return any(rule.search(difference) for rule in allowed)


def compare(old: tuple[Contender, Path], new: tuple[Contender, Path], line: str) -> list[str]:
    """The differences of one command line, run by both versions at a time."""
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(lambda pair: outcome(pair[0], line, pair[1]), (old, new))
    return list(differences(before, after))


def main() -> int:
    """Print a line for every command line; 1 where something differs that is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new", nargs="+")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--only", default="", help="command lines whose name this matches")
    parser.add_argument("--allow", action="append", default=[], metavar="REGEX|@FILE")
    parser.add_argument("--caches", type=Path, help="folder that keeps what the versions compile")
    parser.add_argument("--all", action="store_true", help="show every difference, not the first")
    chosen = parser.parse_args()
    allowed = allowances(chosen.allow)
    wanted = {name: line for name, line in COMMAND_LINES.items() if re.search(chosen.only, name)}
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        versions = []
        for index, where in enumerate([chosen.old, *chosen.new]):
            root = Path(scratch, str(index))
            root.mkdir()
            cache = (chosen.caches or Path(scratch)) / f"cache-{index}"
            version = contender(where, chosen.python, cache.resolve())
            prepare(version, root)
            versions.append((version, root))
        for name, line in wanted.items():
            for new in versions[1:]:
                failed += report(
                    name, new[0].name, compare(versions[0], new, line), allowed, chosen
                )
    print(f"{len(wanted)} command lines; {failed} differ")
    return 1 if failed else 0


def report(
    name: str,
    version: str,
    found: list[str],
    allowed: list[re.Pattern[str]],
    chosen: argparse.Namespace,
) -> bool:
    """Print what became of a command line; whether it differs beyond what is allowed."""
    lines = [f"{name}: {text}" for text in found]
    left = [text for text in lines if not is_allowed(text, allowed)]
    word = "different" if left else "same"
    note = f" ({len(found) - len(left)} allowed)" if len(left) < len(found) else ""
    label = f"{version}: " if len(chosen.new) > 1 else ""
    print(f"{word:9} {label}{name}{note}", flush=True)
    number = len(left) if chosen.all else 1
    for text in left[:number]:
        print(f"          {text.removeprefix(name + ': ')}")
    if len(left) > number:
        print(f"          and {len(left) - number} more")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
