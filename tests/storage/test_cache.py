"""Programs from a cache run as the user's own code: the folder must be the user's alone."""

import errno
import os
import warnings
from pathlib import Path

import jax
import pytest

from dnncli.storage import cache
from dnncli.training import compilation_cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_folder_for_programs_is_made_for_the_user_alone(folder):
    before = os.umask(0)
    try:
        cache.make_private(folder / "programs" / "jaxlib")
    finally:
        os.umask(before)
    for each in (folder, folder / "programs", folder / "programs" / "jaxlib"):
        assert each.stat().st_mode & 0o777 == 0o700
    assert cache.distrusted(folder / "programs" / "jaxlib") is None


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o1777])
@pytest.mark.parametrize("name", ["", "programs", "programs/jaxlib"])
def test_a_folder_that_others_may_write_to_is_not_trusted(folder, name, mode):
    cache.make_private(folder / "programs" / "jaxlib")
    (folder / name).chmod(mode)
    reason = cache.distrusted(folder / "programs" / "jaxlib")
    assert reason == f"others may write to {folder / name}".removesuffix("/")


def test_neither_is_one_of_another_user(folder, monkeypatch):
    cache.make_private(folder)
    user = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert cache.distrusted(folder) == f"{folder} belongs to another user"


def test_neither_is_one_in_a_place_where_others_can_exchange_it(folder):
    cache.make_private(folder)
    folder.parent.chmod(0o777)
    assert cache.distrusted(folder) == f"others may write to {folder.parent}"
    folder.parent.chmod(0o1777)  # as /tmp is: only owners rename there
    assert cache.distrusted(folder) is None


def test_neither_is_one_that_cannot_be_looked_at(folder, monkeypatch):
    def failing(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "stat", failing)
    reason = cache.distrusted(folder)
    assert reason == f"{folder} cannot be looked at (Input/output error)"


def test_a_folder_below_a_file_is_not_there(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "file" / "cache"))
    assert cache.distrusted(cache.folder() / "programs") is None


def test_a_link_is_followed_to_where_the_programs_are(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere").chmod(0o777)
    folder.symlink_to(tmp_path / "elsewhere")
    assert cache.distrusted(folder) == f"others may write to {tmp_path / 'elsewhere'}"


def test_jax_takes_no_program_from_such_a_folder(folder, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    folder.mkdir()
    folder.chmod(0o777)
    before = jax.config.jax_compilation_cache_dir
    assert f"others may write to {folder}: no compiled programs" in compilation_cache.enable()
    assert jax.config.jax_compilation_cache_dir == before
    folder.chmod(0o700)
    try:
        assert compilation_cache.enable() is None
        assert Path(jax.config.jax_compilation_cache_dir).parent == folder / "programs"
        for what in ("writing", "reading"):  # a full disk, a damaged entry: compiled anew
            warnings.warn(f"Error {what} persistent compilation cache entry for 'f'", stacklevel=1)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
