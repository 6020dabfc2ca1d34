"""Examples on the disk: the same as in memory, written once, and told where they are damaged."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnncli.data import Dataset, load, splitting
from dnncli.data.blocks import pages, reading, store
from dnncli.data.blocks.store import Draft, Shape, Store, Writing
from dnncli.data.blocks.stored import Stored
from dnncli.data.tables import profiling
from dnncli.errors import DataError, DnncliError, SpecError
from dnncli.spec import DataSpec

ROWS = 1500
SMALL = Store(40_000)  # less than the features of ROWS rows take


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "blocks"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Numbers, some missing, a category, weights, and a rare class."""
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, (ROWS, 6))
    lines = [
        f"{','.join(f'{v:.4f}' for v in row)},{'' if i % 7 else i % 5},{'pqr'[i % 3]},{1 + i % 4},"
        f"{row[0] + row[1]:.5f},{'abc'[min(2, i % 40)]}"
        for i, row in enumerate(x)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c,d,e,f,gaps,cat,w,number,y", *lines]))
    return path


def both(spec: DataSpec) -> tuple[Dataset, Dataset]:
    """The data in memory, and on the disk."""
    kept = load(spec)
    stored = load(spec, store=SMALL)
    assert stored.stored
    assert not kept.stored
    return kept, stored


@pytest.mark.parametrize(
    "options",
    [
        {"target": "y", "drop": "number,w", "scale": "standard"},
        {"target": "y", "drop": "number,w", "scale": "robust", "validation": 0.3, "test": 7},
        {"target": "y", "drop": "number", "scale": "unit", "weight": "w", "classes": "a,c"},
        {"target": "number", "drop": "y,w", "scale": "none", "where": "a > 3"},
    ],
    ids=["standard", "robust", "weights and classes", "regression of some rows"],
)
def test_what_is_on_the_disk_is_what_would_be_in_memory(table: Path, options: dict) -> None:
    """The splits, the scaling, the targets and every example, to the bit."""
    kept, stored = both(DataSpec(data=str(table), **options))
    assert kept.encoding == stored.encoding
    assert kept.record() == replace(stored.record(), fingerprint=kept.fingerprint)
    if "weight" not in options:
        assert kept.fingerprint == stored.fingerprint
    assert np.allclose(kept.scaling.offset, stored.scaling.offset, rtol=1e-6, atol=0)
    assert np.allclose(kept.scaling.scale, stored.scaling.scale, rtol=1e-6, atol=0)
    same = kept.scaling.offset.tobytes() == stored.scaling.offset.tobytes()
    for name in ("train", "validation", "test"):
        one = kept.split(name)
        other = stored.split(name)
        x = np.asarray(other.x[:])
        assert np.allclose(one.x, x, rtol=1e-5, atol=1e-6)
        if same:
            assert np.array_equal(one.x, x)
        assert one.y.tobytes() == other.y.tobytes()
        assert (one.weights is None) == (other.weights is None)
        assert one.weights is None or np.array_equal(one.weights, other.weights)
    assert kept.train.second_moment == pytest.approx(stored.train.second_moment, rel=1e-5)


def test_examples_are_taken_as_from_an_array(table: Path) -> None:
    kept, stored = both(DataSpec(data=str(table), target="y", scale="none"))
    assert isinstance(stored.train.x, Stored)
    x = np.asarray(kept.train.x)
    for index in (slice(3, None, 7), np.array([5, 900, 4]), x[:, 0] > 6, 11, slice(0)):
        assert np.array_equal(stored.train.x[index], x[index])
    parts = [part for _, part in stored.train.x.pieces()]
    assert len(parts) > 10
    assert np.array_equal(np.concatenate(parts), x)
    with pytest.raises(DnncliError, match="larger than --memory"):
        np.asarray(stored.train.x)


def test_blocks_hold_every_example_once_with_its_target(table: Path) -> None:
    kept, stored = both(DataSpec(data=str(table), target="y", scale="none", weight="w"))
    count = len(stored.train)
    assert isinstance(stored.train.x, Stored)
    order = np.random.default_rng(0).permutation(len(stored.train.x.pages))
    found = list(reading.blocks(stored.train, order.tolist(), [400, 400, count - 800]))
    assert [len(block) for block in found] == [400, 400, count - 800]
    assert kept.train.weights is not None
    rows = np.concatenate([kept.train.x, kept.train.y[:, None], kept.train.weights[:, None]], 1)
    seen = [
        np.concatenate([block.x, block.y[:, None], block.weights[:, None]], 1) for block in found
    ]
    again = np.concatenate(seen)
    assert not np.array_equal(again, rows)
    assert np.array_equal(again[np.lexsort(again.T)], rows[np.lexsort(rows.T)])


def test_a_second_reading_takes_what_is_there(table: Path, cache: Path) -> None:
    told: list[Writing] = []
    spec = DataSpec(data=str(table), target="y")
    watched = replace(SMALL, watch=told.append)
    first = load(spec, store=watched)
    assert told[-1].done == told[-1].rows == ROWS
    count = len(told)
    second = load(spec, store=watched)
    assert len(told) == count
    known = load(replace(spec, scale="none"), first.encoding, store=watched)
    assert len(told) == count
    assert first.fingerprint == second.fingerprint == known.fingerprint
    with table.open("a") as file:
        file.write("\n1,2,3,4,5,6,,p,1,3,a")
    assert load(spec, store=watched).fingerprint != first.fingerprint
    assert len(list(cache.glob("*.lock"))) == 2


def write(draft: Draft) -> tuple[np.ndarray, dict]:
    for start in range(0, 100, 7):
        draft.writer.add(np.full((min(7, 100 - start), 3), start, np.float32))
    return np.zeros(100, np.int32), {}


def test_two_writers_write_once(cache: Path) -> None:
    began = threading.Event()
    go_on = threading.Event()
    waited = threading.Event()
    written = []

    def slow(draft: Draft) -> tuple[np.ndarray, dict]:
        began.set()
        assert go_on.wait(60)
        written.append(1)
        return write(draft)

    def wait(step: Writing) -> None:
        if step.waiting:
            waited.set()
            go_on.set()

    found = []
    shape = Shape(100, 3, "float32")

    def obtain() -> None:
        found.append(store.obtain(Store(1, wait), "name", shape, slow))

    threads = [threading.Thread(target=obtain) for _ in range(2)]
    threads[0].start()
    assert began.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join(60)
    assert waited.is_set()
    assert written == [1]
    assert [entry.pages.shape for entry in found] == [(100, 3), (100, 3)]
    assert sorted(os.listdir(cache)) == ["name", "name.lock"]


def test_an_interrupted_writer_leaves_nothing(cache: Path) -> None:
    def broken(draft: Draft) -> tuple[np.ndarray, dict]:
        write(draft)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.obtain(Store(1), "name", Shape(100, 3, "float32"), broken)
    assert os.listdir(cache) == ["name.lock"]
    (cache / "name.part").mkdir()  # of one that was killed
    store.obtain(Store(1), "name", Shape(100, 3, "float32"), write)
    assert sorted(os.listdir(cache)) == ["name", "name.lock"]


def test_a_damaged_file_is_told(cache: Path) -> None:
    shape = Shape(100, 3, "float32")
    entry = store.obtain(Store(1), "name", shape, write)
    path = cache / "name" / "x"
    good = path.read_bytes()
    path.write_bytes(good[:500] + bytes([good[500] ^ 1]) + good[501:])
    with pytest.raises(DataError, match="the checksum of page 0 is wrong; remove it with `dnncli"):
        list(Stored(entry.pages).pieces())
    path.write_bytes(good[:-4])
    with pytest.raises(DataError, match="it ends before byte"):
        entry.pages.take(np.arange(90, 100))
    with pytest.raises(DataError, match=r"name is damaged: its files have other sizes"):
        store.obtain(Store(1), "name", shape, write)
    (cache / "name" / "about.json").write_text("{")
    with pytest.raises(DataError, match="name is damaged: "):
        store.obtain(Store(1), "name", shape, write)


def test_clearing_removes_all_but_what_is_being_written(cache: Path) -> None:
    assert store.clear() == (0, 0, 0)
    shape = Shape(100, 3, "float32")
    entry = store.obtain(Store(1), "one", shape, write)
    size = sum(path.stat().st_size for path in (cache / "one").iterdir())
    seen = []

    def meanwhile(draft: Draft) -> tuple[np.ndarray, dict]:
        seen.append(store.clear())
        return write(draft)

    store.obtain(Store(1), "two", shape, meanwhile)
    assert seen == [(1, size, 1)]
    assert np.array_equal(entry.pages.take(np.array([99])), [[98, 98, 98]])  # it is open
    assert store.clear()[0] == 1
    assert os.listdir(cache) == []


def test_a_full_disk_is_told_before_anything_is_written(cache: Path) -> None:
    with pytest.raises(DataError, match=r"free, and these examples take 4,000,000\.0 GB"):
        store.obtain(Store(1), "name", Shape(10**12, 1000, "float32"), write)
    assert os.listdir(cache) == ["name.lock"]


@pytest.mark.parametrize("options", [{"split_seed": 1}, {"group": "cat"}, {"time": "a"}])
def test_options_that_need_all_examples_at_once_have_them(table: Path, options: dict) -> None:
    spec = DataSpec(data=str(table), target="y", **options)
    assert not load(spec, store=SMALL).stored
    with pytest.raises(SpecError, match="needs all examples in memory; leave one of them out"):
        load(replace(spec, memory=SMALL.memory), store=SMALL)


def test_pages_are_as_large_as_memory_allows() -> None:
    assert pages.page_rows(10, 4, 1 << 40) == pages.LARGEST // 40
    assert pages.page_rows(10, 4, 1) == pages.SMALLEST // 40
    assert pages.page_rows(10**9, 4, 1) == 1


@pytest.mark.parametrize("sizes", [[100], [70, 30], [1, 1]])
def test_a_few_of_many_are_drawn_as_of_few(sizes: list[int], monkeypatch) -> None:
    monkeypatch.setattr(splitting, "AT_ONCE", 97)
    rng = np.random.default_rng(1)
    y = np.minimum(rng.geometric(0.4, 2000) - 1, 3).astype(np.int32)
    expected = splitting.stratified(y, sizes)
    for rows, right in zip(splitting.few_of_many(y, sizes), expected, strict=True):
        assert np.array_equal(rows, right)


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    """Two numbers, and a category of more levels than have a feature each."""
    rng = np.random.default_rng(0)
    city = rng.integers(400, size=ROWS)
    x = rng.normal(size=(ROWS, 2))
    lines = [
        f"{a:.4f},{b:.4f},city{c},{'no' if a + c % 2 < 0.5 else 'yes'}"
        for (a, b), c in zip(x, city, strict=True)
    ]
    path = tmp_path / "cities.csv"
    path.write_text("\n".join(["a,b,city,y", *lines]))
    return path


def test_levels_on_the_disk_have_a_feature_each(cities: Path) -> None:
    """Effects of levels need all rows in memory, so there are none unless they fit."""
    spec = DataSpec(data=str(cities), target="y")
    kept = load(spec)
    fitting = load(spec, store=Store(ROWS * 3 * 4))
    assert kept.encoding is not None
    assert kept.encoding.by_target
    assert fitting.record() == kept.record()
    assert fitting.encoding == kept.encoding
    stored = load(spec, store=Store(ROWS * 3 * 4 - 1))
    one_hot = load(replace(spec, categories="one-hot"))
    assert stored.stored
    assert stored.encoding == one_hot.encoding
    assert stored.fingerprint == one_hot.fingerprint
    assert np.array_equal(stored.test.x, one_hot.test.x)


@pytest.mark.parametrize(
    "options", [{"categories": "target"}, {"scale": "piecewise"}], ids=["categories", "scale"]
)
def test_options_that_make_features_later_are_refused_before_any_is_written(
    cities: Path, cache: Path, options: dict
) -> None:
    spec = DataSpec(data=str(cities), target="y", **options)
    ((name, value),) = options.items()
    with pytest.raises(SpecError, match=f"^--{name} {value} needs all examples in memory") as found:
        load(spec, store=Store(10_000))
    assert found.value.option == f"--{name}"
    assert not cache.exists()
    assert not load(spec, store=Store(10_000_000)).stored


def test_a_table_that_fits_without_its_ids_is_read_whole(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(profiling, "FEWEST", 100)
    rng = np.random.default_rng(0)
    path = tmp_path / "ids.csv"
    lines = [f"{i + 1},{x:.3f},{'ab'[i % 2]}" for i, x in enumerate(rng.normal(size=ROWS))]
    path.write_text("\n".join(["id,speed,y", *lines]))
    spec = DataSpec(data=str(path), target="y")
    kept = load(spec)
    room = ROWS * 4
    assert profiling.stride(ROWS, 2, room) > 1
    found = load(spec, store=Store(room))
    assert not found.stored
    assert found.record() == kept.record()
