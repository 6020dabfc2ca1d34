"""Checkpoints that a disk has damaged, and consistent ones that an enemy has written."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import shell
from faults import damage
from faults.judge import RIGHT, Outcome, Verdict, answer
from faults.runner import empty

from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint

RUNS = {
    "plain.ckpt": (),
    "full.ckpt": ("--bn", "--act", "prelu", "--optimizer", "adam", "--dropout", "0.1"),
    "table.ckpt": ("--data", "rows.csv", "--preset", "plain", "--epochs", "3"),
}
HOSTILE: tuple[Any, ...] = (
    *(None, "x", "", "nan", -1, 0, 2.5, 1e308, -1e-300, 10**30, 2**31, True, [], {}, [None]),
    *("\x1b[2J", "../../etc/passwd", "a" * 10_000, [[[[]]]], {"a": {}}, list(range(999))),
)
NUMBERS = (np.nan, np.inf, -np.inf, 0.0, 3e38, -1.0)


@dataclass(frozen=True)
class Stage:
    """Checkpoints by name: their bytes, what they hold, and what `inspect` and `eval` say of them."""

    data: dict[str, bytes]
    stored: dict[str, Checkpoint]
    inspected: dict[str, str]
    evaluated: dict[str, str]


def prepare(names: tuple[str, ...] = tuple(RUNS)) -> Stage:
    """Train the runs of these names."""
    shell.write_tiny("tiny.npz")
    lines = [f"{i % 9},{'abc'[i % 3]},{i * i % 7},{'xy'[i // 2 % 2]}\n" for i in range(90)]
    Path("rows.csv").write_text("size,kind,code,label\n" + "".join(lines))
    for name in names:
        trained = shell.run("train", *shell.TINY, *RUNS[name], "--out", name, "-q")
        assert trained.code == 0, trained.err
    inspected = {name: _inspected(name).out for name in names}
    evaluated = {name: _evaluated(name).out for name in names}
    data = {name: Path(name).read_bytes() for name in names}
    stored = {name: checkpoint.read(Path(name)) for name in names}
    return Stage(data, stored, inspected, evaluated)


def _inspected(name: str) -> shell.Result:
    return shell.run("inspect", name, "--format", "json", "-q")


def _evaluated(name: str, *options: str) -> shell.Result:
    """CSV, because JSON has the examples a second."""
    return shell.run("eval", name, *options, "--format", "csv", "-q")


def damaged(stage: Stage, rng: Random, _: int) -> Verdict:
    """One damaged checkpoint: what it held, or one line; or its network, if that is whole."""
    name = rng.choice(list(stage.data))
    Path(name).write_bytes(damage.damaged(stage.data[name], rng))
    try:
        if rng.random() < 0.2:
            return answer(_evaluated(name, "--salvage"), stage.evaluated[name])
        return answer(_inspected(name), stage.inspected[name])
    finally:
        Path(name).write_bytes(stage.data[name])


def hostile(stage: Stage, rng: Random, _: int) -> Verdict:
    """One checkpoint with something changed and its digest made anew, in several commands."""
    empty(*RUNS, "tiny.npz", "rows.csv")
    name = rng.choice(list(stage.data))
    stored = stage.stored[name]
    metadata = json.loads(json.dumps(stored.metadata | stored.records))
    tensors = dict(stored.tensors)
    for _change in range(rng.choice((1, 1, 2, 3))):
        rng.choice((_replace, _replace, _replace, _remove, _exchange))(metadata, rng)
    if rng.random() < 0.3:
        _change_tensor(tensors, rng)
    try:
        records = {key: metadata.pop(key) for key in stored.records if key in metadata}
        checkpoint.write(Path("bad.ckpt"), Checkpoint(tensors, metadata, records))
    except (TypeError, ValueError):
        return RIGHT  # what no file can hold
    read = answer(_inspected("bad.ckpt"))
    return _used(name, rng) if read == RIGHT else read


def _used(name: str, rng: Random) -> Verdict:
    """A checkpoint that can be read must also do for the other commands, or be refused by them."""
    rows = "rows.csv" if name == "table.ckpt" else "tiny.npz"
    lines = (
        ("eval", "bad.ckpt"),
        ("eval", "bad.ckpt", "--gradients"),
        ("predict", "bad.ckpt", rows),
        ("predict", "bad.ckpt", rows, "--probabilities", "--format", "json"),
        ("export", "bad.ckpt", "a.safetensors", "--format", "torch"),
        ("export", "bad.ckpt", "a.onnx", "--format", "onnx"),
        ("inspect", "bad.ckpt", "--history", "--steps"),
        ("train", "--resume", "bad.ckpt", "--epochs", "4", "--out", "b.ckpt"),
        ("transfer", "bad.ckpt", "--seeds", "1", "--epochs", "1", "--out", "t.ckpt"),
    )
    line = rng.choice(lines)
    found = answer(shell.run(*line, "-q") if line[0] != "inspect" else shell.run(*line))
    if found.outcome not in (Outcome.RIGHT, Outcome.REFUSED):
        return Verdict(found.outcome, f"{' '.join(line)}: {found.detail}")
    return found


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) within JSON."""
    found: list[tuple[Any, Any]] = []
    keys: Any = ()
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        found.append((value, key))
        found += places(value[key])
    return found


def _place(metadata: dict[str, Any], rng: Random) -> tuple[Any, Any]:
    """One place; of a long history no more than of the rest."""
    key = rng.choice(list(metadata))
    inner = places(metadata[key])
    return rng.choice(inner) if inner and rng.random() < 0.8 else (metadata, key)


def _replace(metadata: dict[str, Any], rng: Random) -> None:
    container, key = _place(metadata, rng)
    # A copy: the next change may be made within it.
    container[key] = copy.deepcopy(rng.choice(HOSTILE))


def _remove(metadata: dict[str, Any], rng: Random) -> None:
    container, key = _place(metadata, rng)
    del container[key]


def _exchange(metadata: dict[str, Any], rng: Random) -> None:
    container, key = _place(metadata, rng)
    other, name = _place(metadata, rng)
    container[key] = json.loads(json.dumps(other[name]))


def _change_tensor(tensors: dict[str, np.ndarray], rng: Random) -> None:
    """One tensor is missing, misplaced, of another shape or type, or holds other numbers."""
    name = rng.choice(list(tensors))
    tensor = tensors[name]
    change = rng.randrange(5)
    if change == 0:
        del tensors[name]
    elif change == 1:
        tensors[rng.choice(list(tensors))] = tensor
    elif change == 2:
        tensors[name] = tensor[..., None]
    elif change == 3:
        tensors[name] = tensor.astype(rng.choice([np.int32, np.int64, np.uint8]))
    else:
        filled = np.full_like(tensor, 0)
        if tensor.dtype == np.float32:
            filled[...] = rng.choice(NUMBERS)
        tensors[name] = filled
