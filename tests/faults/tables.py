"""Damaged tables of every format, arrays (.npz) and images (IDX): what is in them, or one line.

A damaged text is often a sound text of something else, which no reader can know. So a result counts
as right where the ways to it agree: what `data show` counts, what is loaded for training, whose
numbers must be finite, and the rows of `predict`. Formats with checksums must give what they held.
"""

import bz2
import gzip
import json
import lzma
import zipfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import numpy as np
import openpyxl
import shell
from faults import damage
from faults.judge import RIGHT, Outcome, Verdict, answer, attempt, wrong
from faults.runner import empty

from dnncli import data
from dnncli.errors import DnncliError
from dnncli.spec import DataSpec

COLOURS = ("red", "green", "blue, light", 'so "called"')
CHECKED = (".gz", ".bz2", ".xz", ".npz")  # these have checksums of their contents
NETWORKS = {"table.ckpt": "table.csv", "arrays.ckpt": "arrays.npz", "idx.ckpt": "idx"}
OTHERS = {"packed.ckpt": "arrays.ckpt", "raw.ckpt": "idx.ckpt"}


@dataclass(frozen=True)
class Stage:
    """Files by name, and for those with a checksum what `data show` says and their fingerprints."""

    files: dict[str, bytes]
    shown: dict[str, str]
    prints: dict[str, str]


def prepare(networks: tuple[str, ...] = tuple(NETWORKS)) -> Stage:
    """Write every file and train networks, for predictions."""
    Path("files").mkdir()
    _write_tables()
    _write_arrays()
    for name in networks:
        line = ("train", *shell.TINY, "--data", f"files/{NETWORKS[name]}", "--preset", "plain")
        trained = shell.run(*line, "--out", name, "-q")
        assert trained.code == 0, trained.err
    paths = [path for path in sorted(Path("files").rglob("*")) if path.is_file()]
    held = {str(path.relative_to("files")): path.read_bytes() for path in paths}
    shown = {name: _show(f"files/{_source(name)}").out for name in held}
    prints = {name: data.load(DataSpec(f"files/{_source(name)}")).fingerprint for name in held}
    return Stage(held, shown, prints)


def _write_tables() -> None:
    """The same rows in every format."""
    rng = Random(1)
    rows = [
        {
            "size": round(rng.gauss(10, 3), 3) if rng.random() < 0.95 else None,
            "colour": rng.choice(COLOURS),
            "day": f"2024-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}",
            "count": rng.randint(0, 20),
            "label": rng.choice(("high", "low", "nöne")),
        }
        for _ in range(150)
    ]
    Path("files/table.json").write_text(json.dumps(rows, ensure_ascii=False))
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    Path("files/table.jsonl").write_text("\n".join(lines) + "\n")
    source = "read_json('files/table.json')"
    for name, options in {
        "table.csv": "format csv",
        "table.tsv": "format csv, delimiter '\t'",
        "semicolon.csv": "format csv, delimiter ';', header true",
        "table.parquet": "format parquet",
        "zstd.parquet": "format parquet, compression zstd",
        "table.csv.zst": "format csv, compression zstd",
    }.items():
        duckdb.sql(f"copy (from {source}) to 'files/{name}' ({options})")
    text = Path("files/table.csv").read_bytes()
    Path("files/latin.csv").write_bytes(text.decode().encode("latin-1"))
    Path("files/wide.csv").write_bytes(text.decode().encode("utf-16"))
    Path("files/table.csv.gz").write_bytes(gzip.compress(text, mtime=0))
    Path("files/table.csv.bz2").write_bytes(bz2.compress(text))
    Path("files/table.csv.xz").write_bytes(lzma.compress(text))
    with zipfile.ZipFile("files/table.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", text)
    _write_converted(rows)


def _write_converted(rows: list[dict[str, Any]]) -> None:
    """Formats that are read by way of another: ARFF, svmlight, NumPy's array, an Excel sheet."""
    levels = ",".join(f"'{colour}'" for colour in COLOURS)
    head = [
        "@relation rows",
        "@attribute size numeric",
        f"@attribute colour {{{levels}}}",
        "@attribute count numeric",
        "@attribute label {high,low,nöne}",
        "@data",
    ]
    fields = [
        (row["size"] or "?", f"'{row['colour']}'", row["count"], row["label"]) for row in rows
    ]
    lines = [",".join(map(str, each)) for each in fields]
    Path("files/table.arff").write_text("\n".join(head + lines) + "\n")
    classes = ("high", "low", "nöne")
    numbers = [(classes.index(row["label"]), row["size"] or 0, row["count"]) for row in rows]
    sparse = [f"{label} 1:{size} 3:{count}\n" for label, size, count in numbers]
    Path("files/table.svmlight").write_text("".join(sparse))
    np.save("files/table.npy", np.array(numbers)[:, ::-1])
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save("files/table.xlsx")


def _write_arrays() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    y = np.arange(90) % 3
    x = (rng.normal(size=(90, 4)) + y[:, None]).astype(np.float32)
    np.savez("files/arrays.npz", x=x, y=y)
    np.savez_compressed("files/packed.npz", x=x, y=y.astype(np.uint8))
    images = (rng.random((90, 5, 5)) * 255).astype(np.uint8)
    head = np.array([0x803, 90, 5, 5], ">i4").tobytes()
    labels = np.array([0x801, 90], ">i4").tobytes() + y.astype(np.uint8).tobytes()
    for folder, pack, ending in (("idx", gzip.compress, ".gz"), ("raw", bytes, "")):
        Path("files", folder).mkdir()
        held = {"images-idx3": head + images.tobytes(), "labels-idx1": labels}
        for part, stem in product(("train", "t10k"), held):
            Path(f"files/{folder}/{part}-{stem}-ubyte{ending}").write_bytes(pack(held[stem]))


def _source(name: str) -> str:
    """What --data is given for a file: of images their folder."""
    return name.partition("/")[0]


def _show(path: str) -> shell.Result:
    return shell.run("data", "show", path, "--format", "json", "-q")


def damaged(stage: Stage, rng: Random, _: int) -> Verdict:
    """One damaged file, read in one of three ways."""
    empty("files", *NETWORKS)
    name = rng.choice(list(stage.files))
    path = Path("files", name)
    path.write_bytes(damage.damaged(stage.files[name], rng))
    way = rng.choice((_shown, _shown, _loaded, _predicted))
    if way is _predicted and not Path("table.ckpt").exists():
        way = _shown
    try:
        found = attempt(lambda: way(stage, name))
    finally:
        path.write_bytes(stage.files[name])
    return Verdict(found.outcome, f"{name}, {way.__name__}: {found.detail}")


def _proven(name: str) -> bool:
    return name.endswith(CHECKED)


def _shown(stage: Stage, name: str) -> Verdict:
    """`data show`."""
    expected = stage.shown[name] if _proven(name) else None
    return answer(_show(f"files/{_source(name)}"), expected)


def _loaded(stage: Stage, name: str) -> Verdict:
    """As training loads it: as many rows as are shown, all numbers finite."""
    source = f"files/{_source(name)}"
    shown = _show(source)
    try:
        loaded = data.load(DataSpec(source))
    except DnncliError as error:
        few = len(str(error).splitlines()) == 1
        return Verdict(Outcome.REFUSED) if few else wrong(f"{str(error)[:300]!r}")
    if _proven(name) and loaded.fingerprint != stage.prints[name]:
        return wrong("other data than the file held")
    splits = (loaded.train, loaded.validation, loaded.test)
    if not all(np.isfinite(split.x).all() for split in splits):
        return wrong("a number is not finite")
    # Of images the test files are counted apart.
    count = sum(map(len, splits[:2] if "ubyte" in name else splits))
    if shown.code or shown.json["examples"] != count:
        return wrong(f"{count} rows are loaded; shown: {shown.code} {shown.out[:120]}")
    return RIGHT


def _predicted(stage: Stage, name: str) -> Verdict:
    """A row of predictions for each row that is shown."""
    network, path = f"{_source(name).partition('.')[0]}.ckpt", f"files/{name}"
    network = OTHERS.get(network, network)
    if network not in NETWORKS:
        network = "table.ckpt"
    result = shell.run("predict", network, path, "--format", "jsonl", "-q")
    found = answer(result)
    if found != RIGHT or not _proven(name) or "ubyte" in name:
        return found
    rows = result.out.count("\n")
    if rows != json.loads(stage.shown[name])["examples"]:
        return wrong(f"{rows} rows")
    return RIGHT
