"""Every test of the shell runs in an empty folder with a tiny data set and none of the user's variables."""

import os

import jax
import pytest
import shell

QUICK = "jax_disable_most_optimizations"


@pytest.fixture(autouse=True, scope="module")
def quick_compilation():
    """Programs are compiled fast rather than fast themselves, here and in other processes: half the time."""
    before = jax.config.read(QUICK)
    jax.config.update(QUICK, True)
    os.environ[QUICK.upper()] = "1"
    yield
    jax.config.update(QUICK, before)
    del os.environ[QUICK.upper()]


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
