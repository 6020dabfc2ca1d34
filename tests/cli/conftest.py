"""Every test of the shell runs in an empty folder with a tiny data set and none of the user's variables."""

import os

import pytest
import shell


@pytest.fixture(autouse=True, scope="module")
def quick(quick_compilation, unchecked):
    """No test here waits for fast programs, and no fixture: a module's come after this one."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory of the command lines: `tiny.npz` and nothing else."""
    for name in os.environ:
        if name.startswith("DNNCLI_") and name not in ("DNNCLI_CACHE", "DNNCLI_FUZZ"):
            monkeypatch.delenv(name)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    shell.write_tiny(tmp_path / "tiny.npz")
    return tmp_path
