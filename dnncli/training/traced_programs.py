"""Programs as traced by an earlier process, so that this one compiles them without tracing anew.

Tracing and lowering an epoch is Python's work: 1.5 s of processor time for two hidden layers, in
every process, while XLA's own cache has the machine code all along. The StableHLO that came of it
is kept beside that cache, and reading it takes a tenth of a second. The first process runs what it
has written too, so that all of them run the same program.
"""

import hashlib
import pickle
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jax
from jax import export

from dnncli import stages
from dnncli.errors import DnncliError
from dnncli.storage import files
from dnncli.training import compilation_cache
from dnncli.training.versions import versions

PACKAGE = Path(__file__).parents[1]
TRACED = ("nn", "spec", "theory", "training")  # what an epoch's program is made by
DIGEST = hashlib.sha256().digest_size
LENGTH = struct.Struct("<Q")
# XLA takes so many times as long as tracing did: 2.9 to 5.6 on two cores, of nine networks between
# one and 200 layers deep, with batch norm, dropout and LAMB. Both grow with the program.
COMPILING = 4.2


@dataclass(frozen=True)
class _Wanted:
    """A function, what is compiled in, and the structure and shapes of its other arguments."""

    function: Callable[..., Any]
    statics: tuple[Any, ...]
    structure: Any
    shapes: tuple[jax.ShapeDtypeStruct, ...]


@dataclass(frozen=True)
class TracedProgram:
    """A compiled function of flat arrays, and the trees that they stand for."""

    call: Callable[..., Any]
    inputs: Any
    outputs: Any

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns. Raises TypeError for another structure of arguments."""
        leaves, structure = jax.tree.flatten(arguments)
        if structure != self.inputs:
            raise TypeError(f"compiled for {self.inputs}, called with {structure}")
        return jax.tree.unflatten(self.outputs, self.call(*leaves))


def compiled(
    function: Callable[..., Any],
    statics: tuple[Any, ...],
    *arguments: Any,
    options: Mapping[str, Any] | None = None,
) -> Callable[..., Any]:
    """`function(*statics, *arguments)` compiled for arguments of these shapes; it takes arguments.

    statics: what is compiled in. options: of the compiler. Without a folder of programs, and where
    several devices share the work, it is traced as ever.
    """
    place = folder()
    if place is None or jax.device_count() > 1:
        numbers = tuple(range(len(statics)))
        lowered = jax.jit(function, static_argnums=numbers).lower(*statics, *arguments)
        return lowered.compile(dict(options or {}))
    leaves, structure = jax.tree.flatten(arguments)
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    wanted = _Wanted(function, statics, structure, shapes)
    return _compiled(wanted, place, tuple((options or {}).items()))


@lru_cache(maxsize=4)
def _compiled(wanted: _Wanted, place: Path, options: tuple[tuple[str, Any], ...]) -> TracedProgram:
    """The program, which a process may ask for again and again."""
    path = place / _key(wanted)
    traced = _read(path)
    expected = None
    if traced is None:
        began = time.monotonic()
        traced = _trace(wanted)
        expected = COMPILING * (time.monotonic() - began)
        _write(path, *traced)
    program, outputs = traced
    with stages.stage("compiling", expected=expected):
        call = jax.jit(program.call).lower(*wanted.shapes).compile(dict(options))
    return TracedProgram(call, wanted.structure, outputs)


def folder() -> Path | None:
    """Where traced programs are kept; None where this process keeps no programs of its own."""
    used = jax.config.values["jax_compilation_cache_dir"]
    own = compilation_cache.folder()
    return own / "traced" if used == str(own) else None


def _trace(wanted: _Wanted) -> tuple[export.Exported, Any]:
    """The program, and the structure of what the function returns."""
    seen = []

    def flat(*leaves: Any) -> tuple[Any, ...]:
        arguments = jax.tree.unflatten(wanted.structure, leaves)
        returned = wanted.function(*wanted.statics, *arguments)
        values, outputs = jax.tree.flatten(returned)
        seen.append(outputs)
        return tuple(values)

    program = export.export(jax.jit(flat))(*wanted.shapes)
    return program, seen[-1]


def _key(wanted: _Wanted) -> str:
    """A name for what a program depends on: sources, libraries, settings, statics, shapes."""
    settings = {name: str(value) for name, value in jax.config.values.items()}
    settings.pop("jax_compilation_cache_dir")
    parts = (
        _name(wanted.function),
        *map(_described, wanted.statics),
        wanted.structure,
        wanted.shapes,
        versions(),
        sorted(settings.items()),
        _sources(),
    )
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _described(static: Any) -> str:
    """A static argument in words, a function by its name; another value is another text."""
    fields = getattr(static, "__dataclass_fields__", None)
    if fields is None:
        return _name(static)
    values = [f"{name}={_name(getattr(static, name))}" for name in fields]
    return f"{type(static).__qualname__}({', '.join(values)})"


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else repr(value)


@cache
def _sources() -> str:
    """A digest of the code that programs are made by."""
    found = hashlib.sha256()
    for part in TRACED:
        for path in sorted((PACKAGE / part).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def _read(path: Path) -> tuple[export.Exported, Any] | None:
    """A program that was kept; None where there is none, or it is damaged.

    The folder is this user's alone (`compilation_cache.enable` looks), as it must be: what is in it
    runs as this user's code.
    """
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    body = stored[DIGEST:]
    if hashlib.sha256(body).digest() != stored[:DIGEST]:
        return None
    (length,) = LENGTH.unpack_from(body)
    trees = LENGTH.size + length
    outputs = pickle.loads(body[LENGTH.size : trees])
    return export.deserialize(bytearray(body[trees:])), outputs


def _write(path: Path, program: export.Exported, outputs: Any) -> None:
    """Keep a program, where that is possible."""
    trees = pickle.dumps(outputs)
    body = LENGTH.pack(len(trees)) + trees + program.serialize()
    with suppress(OSError, DnncliError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.write(path, hashlib.sha256(body).digest() + body)
