"""The commands that write, what each leaves behind, and how each is run again after a fault."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import jax
import shell
from faults import forked
from faults.runner import empty
from jax._src import compilation_cache

from dnncli.data.formats import remote
from dnncli.errors import DnncliError
from dnncli.storage import checkpoint

OLD = b"what stood here before"
TRAIN = ("train", *shell.TINY)
SAME = ("--seeds", "1", "--epochs", "1")
COMPARED = ("--data", "tiny.npz", "--hidden", "3", "--epochs", "1", "--seeds", "2", "--acts")
MNIST = "cache/data/mnist"


@dataclass(frozen=True)
class Writer:
    """A command line and the files that it writes; folders: of which the files are not known.

    again: how it is run after a fault, where that is not the same command line.
    """

    line: tuple[str, ...]
    files: tuple[str, ...] = ()
    folder: str = ""
    again: tuple[str, ...] = ()


WRITERS = {
    "train": Writer((*TRAIN, "--out", "net.ckpt", "--overwrite"), ("net.ckpt",)),
    "train, a new name": Writer(TRAIN),
    "train, extras": Writer(
        (*TRAIN, "--out", "net.ckpt", "--save-config", "a.toml", "--plot", "a.png", "--overwrite"),
        ("net.ckpt", "a.toml", "a.png"),
    ),
    "transfer": Writer(
        ("transfer", "given.ckpt", *SAME, "--out", "t.ckpt", "--overwrite"), ("t.ckpt",)
    ),
    "compare-activations": Writer(
        ("compare-activations", *COMPARED, "relu,elu", "--out", "acts"),
        folder="acts",
        again=("compare-activations", "--resume", "acts"),
    ),
    "predict": Writer(
        ("predict", "given.ckpt", "tiny.npz", "--out", "rows.csv", "--overwrite"), ("rows.csv",)
    ),
    "predict, Parquet": Writer(
        ("predict", "given.ckpt", "tiny.npz", "--out", "rows.parquet", "--overwrite"),
        ("rows.parquet",),
    ),
    "export": Writer(
        ("export", "given.ckpt", "a.safetensors", "--format", "torch", "--overwrite"),
        ("a.safetensors",),
    ),
    "export, ONNX": Writer(("export", "given.ckpt", "a.onnx", "--overwrite"), ("a.onnx",)),
    "data fetch": Writer(("data", "fetch", "mnist", "-q"), folder=MNIST),
    "cache": Writer((*TRAIN, "--out", "net.ckpt", "--overwrite"), ("net.ckpt",)),
}


def serve() -> None:
    """A small `mnist` on a server of this machine, in place of the real one's addresses."""
    Path("served").mkdir()
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    root = str(Path("served").absolute())

    def handle(*arguments: object) -> SimpleHTTPRequestHandler:
        return handler(*arguments, directory=root)

    server = ThreadingHTTPServer(("127.0.0.1", 0), handle)
    Thread(target=server.serve_forever, daemon=True).start()
    held = {}
    for file in remote.REMOTES["mnist"].files:
        data = file.name.encode() * 9000
        Path("served", file.name).write_bytes(data)
        held[file.name] = remote.File(file.name, len(data), sha256(data).hexdigest())
    address = f"http://127.0.0.1:{server.server_port}/"
    remote.REMOTES["mnist"] = remote.Remote((address,), tuple(held.values()))


def begin(name: str, folder: Path) -> Path:
    """A new folder with what a writer reads, and old files where it will write."""
    empty("given", "served")
    shutil.copytree("given", folder)
    for path in WRITERS[name].files:
        (folder / path).write_bytes(OLD)
    return folder


def trace_here(name: str) -> None:
    """Run a writer in this process, whose forked processes then find its programs traced.

    Not the two that would touch this process's own cache.
    """
    if name not in ("cache", "data fetch"):
        with contextlib.chdir(begin(name, Path("work"))):
            shell.run(*WRITERS[name].line)


def own_cache(name: str) -> None:
    """Data are cached in the writer's folder; programs only where that is the point."""
    os.environ["DNNCLI_CACHE"] = str(Path("cache").absolute())
    if name == "cache":
        os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
        compilation_cache.reset_cache()
        jax.config.update("jax_compilation_cache_dir", None)


def started(name: str, line: tuple[str, ...], folder: Path) -> forked.Child:
    """A writer's process, which waits to begin."""
    return forked.prepare(line, folder, lambda: own_cache(name))


def left(folder: Path, writer: Writer) -> dict[str, bytes]:
    """What a writer's files are."""
    paths = [folder / path for path in writer.files]
    if writer.folder:
        paths += (folder / writer.folder).glob("*")
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def litter(folder: Path) -> list[str]:
    """Unfinished files."""
    return [path.name for path in folder.rglob("*.dnncli-tmp")]


def damage(found: Mapping[str, bytes], right: Mapping[str, bytes], *, done: bool) -> str:
    """What is wrong with files after a fault: each must be the old one or the right one, whole.

    done: the command said that it has succeeded; then every file must be the right one.
    """
    for name, data in right.items():
        if done and found.get(name) != data:
            return f"{name} is not what a run without a fault writes"
        if name in found and found[name] not in (data, OLD) and not _of_an_epoch(found[name]):
            return f"{name} is neither the old file nor the new one"
    return ""


def _of_an_epoch(data: bytes) -> bool:
    """Whether it is a whole checkpoint: one that was saved while the run went on."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            checkpoint.read(Path(file.name))
        except DnncliError:
            return False
    return True


def reference(name: str) -> dict[str, bytes]:
    """What a run without a fault leaves, twice the same or there would be nothing to compare."""
    kept = []
    for _ in range(2):
        folder = begin(name, Path("work"))
        child = started(name, WRITERS[name].line, folder)
        child.begin()
        child.wait()
        done = child.result()
        assert done.code == 0, done.err
        kept.append(left(folder, WRITERS[name]))
        shutil.rmtree(folder)
    same = {file: data for file, data in kept[0].items() if kept[1].get(file) == data}
    assert same or not kept[0], f"{name}: no file is the same twice"
    return same
