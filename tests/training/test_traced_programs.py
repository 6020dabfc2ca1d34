import contextlib
import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from dnncli import stages
from dnncli.training import compilation_cache, traced_programs

X = np.arange(3, dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Power:
    exponent: int


calls = []


def raised(power, tree):
    calls.append(power)
    return {"raised": tree["x"] ** power.exponent, "none": None}


def another_process():
    """What a process keeps in its memory is dropped."""
    traced_programs._compiled.cache_clear()
    calls.clear()


def run(power=Power(2), x=X):
    arguments = ({"x": x},)
    returned = traced_programs.compiled(raised, (power,), *arguments)(*arguments)
    return jax.tree.map(np.asarray, returned)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of programs of this test's own."""
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path))
    before = jax.config.values["jax_compilation_cache_dir"]
    monkeypatch.setattr(compilation_cache.cache, "distrusted", lambda path: None)
    assert compilation_cache.enable() is None
    another_process()
    yield traced_programs.folder()
    another_process()
    jax.config.update("jax_compilation_cache_dir", before)


def test_a_second_process_runs_a_program_without_tracing_it(folder):
    first = run()
    assert len(calls) == 1
    another_process()
    second = run()
    assert not calls
    assert first["raised"].tolist() == second["raised"].tolist() == [0, 1, 4]
    assert second["none"] is None
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_program_is_traced_anew(folder, damage):
    run()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"!" if damage is None else damage)
    another_process()
    assert run()["raised"].tolist() == [0, 1, 4]
    assert len(calls) == 1
    another_process()
    run()
    assert not calls


def test_what_is_compiled_in_shapes_sources_and_settings_make_another_program(folder, monkeypatch):
    run()
    assert run(power=Power(3))["raised"].tolist() == [0, 1, 8]
    assert run(x=X[:2])["raised"].tolist() == [0, 1]
    another_process()
    monkeypatch.setattr(traced_programs, "_sources", lambda: "of another version")
    run()
    assert len(calls) == 1
    another_process()
    jax.config.update("jax_numpy_rank_promotion", "allow")
    run()
    jax.config.update("jax_numpy_rank_promotion", "raise")
    assert len(list(folder.iterdir())) == 5


def test_the_sources_of_the_package_are_looked_at(monkeypatch, tmp_path):
    known = traced_programs._sources()
    for part in traced_programs.TRACED:
        (tmp_path / part).mkdir()
    monkeypatch.setattr(traced_programs, "PACKAGE", tmp_path)
    traced_programs._sources.cache_clear()
    empty = traced_programs._sources()
    (tmp_path / "nn" / "network.py").write_text("changed")
    traced_programs._sources.cache_clear()
    assert len({known, empty, traced_programs._sources()}) == 3
    traced_programs._sources.cache_clear()


def test_without_a_folder_of_programs_it_is_compiled_as_ever(monkeypatch):
    monkeypatch.setattr(traced_programs, "folder", lambda: None)
    assert run()["raised"].tolist() == [0, 1, 4]


def test_other_arguments_than_it_was_compiled_for_are_refused(folder):
    program = traced_programs.compiled(raised, (Power(2),), {"x": X})
    with pytest.raises(TypeError, match="compiled for"):
        program({"y": X})


def test_a_folder_that_cannot_be_written_costs_only_time(folder, monkeypatch):
    monkeypatch.setattr(traced_programs, "folder", lambda: folder / "file" / "traced")
    (folder.parent / "traced").mkdir(exist_ok=True)
    (folder / "file").write_bytes(b"")
    assert run()["raised"].tolist() == [0, 1, 4]


class Told:
    """A watcher that keeps what it is told of."""

    def __init__(self):
        self.stages = []

    def begin(self, stage):
        self.stages.append(stage)

    def end(self, stage):
        pass

    printing = contextlib.nullcontext


def test_how_long_compiling_will_take_is_told_by_how_long_tracing_took(folder, monkeypatch):
    clock = iter((100.0, 103.0))
    monkeypatch.setattr(traced_programs, "time", SimpleNamespace(monotonic=clock.__next__))
    told = Told()
    with stages.watched(told):
        run()
        another_process()
        run()
    assert [stage.what for stage in told.stages] == ["compiling"] * 2
    assert [stage.expected for stage in told.stages] == [3 * traced_programs.COMPILING, None]
