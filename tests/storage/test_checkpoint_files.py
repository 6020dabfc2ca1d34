"""A checkpoint is written whole or not at all, whatever kills the process or fills the disk."""

import contextlib
import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from stored import NEW, OLD, refused, same, unchanged

from dnncli.errors import SpecError
from dnncli.storage import checkpoint, files
from dnncli.storage.checkpoint import Checkpoint

BIG = Checkpoint({"w": np.zeros(50_000, np.float32)}, {"epoch": 3})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.ckpt"


@pytest.fixture
def old(path):
    checkpoint.write(path, OLD)
    return path


CHILD = """
import os, sys, time
from pathlib import Path
import numpy as np
from dnncli.storage import checkpoint
path, die = Path(sys.argv[1]), lambda *_: os.kill(os.getpid(), 9)
def save(n):
    tensors = {"w": np.full(1 << 20, n, np.float32)}
    checkpoint.write(path, checkpoint.Checkpoint(tensors, {"epoch": n}))
"""


def child(code, path):
    """A process of its own that runs the code."""
    command = [sys.executable, "-c", CHILD + code, str(path)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=-1, stdin=-1, text=True)


DEADLY = {
    "import fcntl; fcntl.flock = die": 1,
    "os.fsync = die": 1,
    "os.replace = die": 1,
    "replace = os.replace; os.replace = lambda *names: (replace(*names), die())": 2,
}


@pytest.mark.parametrize("moment", DEADLY)
def test_a_kill_at_the_worst_moment_leaves_the_old_file_or_the_new_one(old, moment):
    with child(f"{moment}\nsave(2)", old) as process:
        assert process.wait() == -signal.SIGKILL
    assert checkpoint.read(old).metadata["epoch"] == DEADLY[moment]
    assert len(os.listdir(old.parent)) == 3 - DEADLY[moment]
    checkpoint.write(old.with_name("another"), NEW)
    assert sorted(os.listdir(old.parent)) == ["another", old.name]


def test_a_kill_at_any_moment_leaves_a_whole_file(path):
    for attempt in range(5):
        with child("save(0); print(flush=True)\nwhile True: save(1), save(2)", path) as process:
            process.stdout.readline()
            time.sleep(0.01 + 0.007 * attempt)
            process.kill()
        back = checkpoint.read(path)
        assert (back.tensors["w"] == back.metadata["epoch"]).all()
    checkpoint.write(path, OLD)
    assert unchanged(path)


def test_a_file_that_another_process_is_still_writing_is_no_litter(old):
    with files.temporary(old, 0o600) as file:
        checkpoint.write(old, NEW)
        assert Path(file.name).exists()
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("call", ["fchmod", "fsync", "replace"])
def test_a_failing_system_call_keeps_the_old_file_and_leaves_no_other(old, monkeypatch, call):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    assert refused(
        r"net\.ckpt cannot be written: no space left on device\.$", checkpoint.write, old, NEW
    )
    assert unchanged(old)


def test_an_unfinished_file_that_cannot_be_removed_is_litter_and_no_traceback(old, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "unlink", fail)
    files.reserve(old, overwrite=True)
    with files.replacing(old) as file:
        file.write(b"new")
    monkeypatch.undo()
    assert old.read_bytes() == b"new"
    checkpoint.write(old, OLD)
    assert unchanged(old)


def test_a_limit_on_file_sizes_keeps_the_old_file_and_leaves_no_other(old):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        assert refused("cannot be written: file too large", checkpoint.write, old, BIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert unchanged(old)


def test_a_full_disk_and_then_a_read_only_one_keep_the_old_file_and_leave_no_other(path):
    def mount(*options):
        return subprocess.run(
            ["mount", *options, path.parent], capture_output=True, check=False
        ).returncode

    if not sys.platform.startswith("linux") or mount("-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        pytest.skip("no file system can be mounted here")
    try:
        checkpoint.write(path, OLD)
        assert refused("cannot be written: no space left on device", checkpoint.write, path, BIG)
        assert mount("-o", "remount,ro") == 0
        assert refused("cannot be written: read-only file system", checkpoint.write, path, NEW)
        assert refused("cannot be written: read-only file system", checkpoint.reserve, path, True)
        assert unchanged(path)
    finally:
        subprocess.run(["umount", path.parent], check=True)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_gives_and_an_old_one_keeps_its_own(path, umask):
    before = os.umask(umask)
    try:
        for mode in (0o666 & ~umask, 0o640, 0o444):
            if path.exists():
                path.chmod(mode)
            checkpoint.write(path, NEW)
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    target = tmp_path / "far" / "net.ckpt"
    link.symlink_to(target)
    for content in (OLD, NEW):  # the link dangles first
        checkpoint.write(link, content)
        assert link.is_symlink()
        assert same(checkpoint.read(target), content)


PLACES = {
    "none/net.ckpt": "there is no folder .*none",
    "net.ckpt/net.ckpt": "there is no folder .*net.ckpt",
    ".": "it is a folder",
    "pipe": "it is not a regular file",
    "loop": "too many levels of symbolic links",
    "n" * 256: "file name too long",
    "\0": "null",
    "a\nb\x1b/net.ckpt": "there is no folder",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_hold_a_checkpoint_is_refused_before_training_and_after(old, name):
    os.mkfifo(old.parent / "pipe")
    (old.parent / "loop").symlink_to("loop")
    place = old.parent / name
    reason = f"cannot be written: .*{PLACES[name]}"
    assert refused("cannot be read: ", checkpoint.read, place)
    assert refused(reason, checkpoint.reserve, place, True)
    assert refused(reason, checkpoint.write, place, NEW)
    assert sorted(os.listdir(old.parent)) == ["loop", "net.ckpt", "pipe"]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    checkpoint.write(tmp_path / ("é" * 127), OLD)
    assert unchanged(tmp_path / ("é" * 127))


def test_reserving_leaves_no_file_and_refuses_an_existing_one_without_overwrite(old):
    checkpoint.reserve(old.with_name("new"), overwrite=False)
    checkpoint.reserve(old, overwrite=True)
    with pytest.raises(
        SpecError, match=r"^--out .*net\.ckpt exists; give --overwrite or another name"
    ):
        checkpoint.reserve(old, overwrite=False)
    assert unchanged(old)


def test_unused_paths_are_named_after_the_run_and_the_time_and_are_given_once(
    tmp_path, monkeypatch
):
    folder = tmp_path / "a" / "runs"
    assert re.fullmatch(
        r"elu-digits-\d{8}-\d{6}\.ckpt", checkpoint.unused_path("elu-digits", folder).name
    )
    monkeypatch.setattr(time, "strftime", lambda _: "NOW")
    first = checkpoint.unused_path("../elu digits", folder)
    second = checkpoint.unused_path("../elu digits", folder)
    checkpoint.write(first, OLD)
    names = [first.name, second.name, checkpoint.unused_path("elu-digits", folder).name]
    assert not list(folder.glob(f".{first.name}*"))
    assert names == ["elu-digits-NOW.ckpt", "elu-digits-NOW-2.ckpt", "elu-digits-NOW-3.ckpt"]


def test_runs_started_in_the_same_second_get_different_paths_and_leave_nothing_lasting(tmp_path):
    code = (
        "time.strftime = lambda _: 'NOW'\n"
        "print(checkpoint.unused_path('x', path), flush=True)\n"
        "input()"
    )
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(child(code, tmp_path)) for _ in range(4)]
        assert len({run.stdout.readline() for run in runs}) == 4
        for run in runs:
            run.kill()
    checkpoint.write(tmp_path / "net.ckpt", OLD)
    assert unchanged(tmp_path / "net.ckpt")


def test_a_folder_for_runs_that_cannot_be_is_refused(old):
    for folder in (old, old / "runs"):
        assert refused("cannot be written to: not a directory", checkpoint.unused_path, "x", folder)
