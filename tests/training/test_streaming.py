"""Training block by block: as in memory where there is one block, and as NumPy does where not."""

import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import jax
import numpy as np
import oracle
import pytest
from problems import dataset, spec

from dnncli.data import Dataset
from dnncli.data.blocks import reading, store
from dnncli.data.blocks.pages import Pages
from dnncli.data.blocks.store import Draft, Shape, Store
from dnncli.data.blocks.stored import Stored
from dnncli.errors import CheckpointError, DataError
from dnncli.experiments import verify
from dnncli.training import checkpointing, run, streaming
from dnncli.training.ahead import ahead
from dnncli.training.plan import block_plans, block_sizes, page_order
from dnncli.training.snapshot import Snapshot

MEMORY = 4000
EXAMPLES = 203
OPTIONS = {"memory": MEMORY, "hidden": (5,), "seed": 3}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store, "folder", lambda: tmp_path)
    monkeypatch.setattr(store, "page_rows", lambda *_: 9)


def pair() -> tuple[Dataset, Dataset]:
    """The same data in memory and on the disk."""
    kept = dataset(train=EXAMPLES, validation=30)
    x = np.asarray(kept.train.x)

    def write(draft: Draft) -> tuple[np.ndarray, dict]:
        draft.writer.add(x)
        return kept.train.y, {}

    found = store.obtain(Store(1), "toy", Shape(*x.shape, "float32"), write)
    stored = Stored(found.pages, scaling=kept.scaling)
    return kept, replace(kept, train=replace(kept.train, x=stored))


def trained(run_spec, data: Dataset, epochs: int = 3) -> Snapshot:
    snapshot = run.start(run_spec, data)
    for progress in islice(run.run(snapshot, data), epochs):
        snapshot = progress.snapshot
    return snapshot


def tensors(snapshot: Snapshot) -> dict[str, bytes]:
    stored = checkpointing.to_checkpoint(snapshot).tensors
    return {name: tensor.tobytes() for name, tensor in stored.items()}


def untimed(snapshot: Snapshot) -> list:
    return [replace(record, seconds=None) for record in snapshot.history.epochs]


def test_one_block_gives_the_bytes_of_training_in_memory(monkeypatch) -> None:
    monkeypatch.setattr(streaming, "block_rows", lambda *_: EXAMPLES)
    kept, stored = pair()
    options = OPTIONS | {"bn": True, "dropout": 0.2, "optimizer": "adam"}
    one = trained(spec(**options), kept)
    other = trained(spec(**options), stored)
    assert tensors(one) == tensors(other)
    assert untimed(one) == untimed(other)
    assert one.history.initial == other.history.initial


def numpy_sgd(run_spec, stored: Dataset, parameters, epochs: int):
    """The losses of every step, and the network, of plain SGD in float64 on the same order."""
    losses = []
    split = stored.train
    rows = np.asarray(split.x[:], np.float64)
    places = {row.tobytes(): place for place, row in enumerate(split.x[:])}
    sizes = block_sizes(len(split), 16, streaming.block_rows(MEMORY, split.x))
    assert len(sizes) > 2
    assert sizes[-1] % 16
    for epoch in range(epochs):
        pages = page_order(run_spec.seed, epoch, len(split.x.pages), sizes)
        seen = []
        for block, plan in zip(
            reading.blocks(split, pages.tolist(), sizes),
            block_plans(run_spec, epoch, sizes),
            strict=True,
        ):
            order = [places[block.x[i].tobytes()] for i in plan.order]
            seen += order
            for step, rate in enumerate(plan.learning_rates):
                own = order[16 * step : 16 * (step + 1)]
                passed = oracle.run(run_spec.network, parameters, rows[own], split.y[own])
                losses.append((passed.loss, len(own)))
                parameters = tuple(
                    layer._replace(
                        kernel=layer.kernel - float(rate) * gradient.kernel,
                        bias=layer.bias - float(rate) * gradient.bias,
                    )
                    for layer, gradient in zip(parameters, passed.gradients, strict=True)
                )
        assert sorted(seen) == list(range(len(split)))
    return losses, parameters


def test_several_blocks_train_as_numpy_does_on_the_same_order() -> None:
    _, stored = pair()
    run_spec = spec(**OPTIONS, act="tanh", optimizer="sgd", lr=0.1)
    snapshot = trained(run_spec, stored, 2)
    start = oracle.exact(run.start(run_spec, stored).network.parameters)
    losses, parameters = numpy_sgd(snapshot.spec, stored, start, 2)
    half = len(losses) // 2
    for record, part in zip(snapshot.history.epochs, (losses[:half], losses[half:]), strict=True):
        mean = np.average([loss for loss, _ in part], weights=[size for _, size in part])
        assert record.train_loss == pytest.approx(mean, rel=1e-5)
    last = jax.device_get(snapshot.state.network.parameters)
    for found, exact in zip(last, parameters, strict=True):
        assert np.allclose(found.kernel, exact.kernel, rtol=1e-4, atol=1e-5)
    x = np.asarray(stored.validation.x, np.float64)
    held_out = oracle.run(run_spec.network, parameters, x, stored.validation.y)
    assert snapshot.history.epochs[-1].val_loss == pytest.approx(held_out.loss, rel=1e-5)


def test_a_resumed_run_gives_the_same_bytes() -> None:
    _, stored = pair()
    run_spec = spec(**OPTIONS)
    straight = trained(run_spec, stored)
    half = trained(run_spec, stored, 1)
    again = checkpointing.from_checkpoint(checkpointing.to_checkpoint(half), "x")
    assert again.spec.data.memory == MEMORY
    for progress in run.run(again, stored):
        again = progress.snapshot
    assert tensors(again) == tensors(straight)


def test_a_divergence_is_explained_by_the_block_that_broke() -> None:
    _, stored = pair()
    run_spec = spec(**OPTIONS, optimizer="sgd", lr=1e30)
    last = list(run.run(run.start(run_spec, stored), stored))[-1]
    assert last.stopped == "diverged"
    assert last.cause is not None
    assert "epoch 1, step" in last.cause.evidence
    assert last.snapshot.steps[0].step == 1


def test_a_damaged_page_ends_the_run_in_one_line(tmp_path: Path) -> None:
    _, stored = pair()
    path = tmp_path / "toy" / "x"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="checksum"):
        trained(spec(**OPTIONS), stored)


@pytest.mark.parametrize(
    ("examples", "batch", "most", "sizes"),
    [
        (100, 10, 1000, (100,)),
        (100, 10, 35, (30, 30, 30, 10)),
        (95, 10, 30, (30, 30, 35)),
        (125, 10, 30, (30, 30, 30, 35)),
        (130, 10, 30, (30, 30, 30, 30, 10)),
        (25, 10, 1, (10, 15)),
        (7, 7, 3, (7,)),
    ],
)
def test_blocks_are_whole_batches_but_for_the_last(examples, batch, most, sizes) -> None:
    assert block_sizes(examples, batch, most) == sizes


def test_reading_ahead_gives_the_same_items_and_their_error() -> None:
    def items():
        yield from range(5)
        raise ValueError("here")

    found = ahead(items())
    assert [next(found) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="here"):
        next(found)


def test_reading_ahead_is_bounded_and_ends_with_its_reader() -> None:
    read = []
    closed = []

    def items():
        try:
            for number in range(100):
                read.append(number)
                yield number
        finally:
            closed.append(True)

    ahead_of = ahead(items())
    assert next(ahead_of) == 0
    time.sleep(0.2)
    assert len(read) <= 3  # taken, waiting, and being put
    ahead_of.close()
    assert len(read) <= 4


def under_way(run_spec, data: Dataset, blocks: int) -> Snapshot:
    """A run after so many events: blocks, and epochs at the last of each."""
    moments = islice(run.events(run.start(run_spec, data), data), blocks)
    *_, last = moments
    return last.snapshot


@pytest.mark.parametrize(
    "options",
    [{"bn": True, "optimizer": "adam", "dropout": 0.2}, {"optimizer": "sgd", "l2": 1e-3}],
)
def test_a_run_that_is_saved_inside_an_epoch_goes_on_to_the_same_bytes(options) -> None:
    _, stored = pair()
    run_spec = spec(**OPTIONS, **options)
    straight = trained(run_spec, stored)
    count = len(block_sizes(EXAMPLES, 16, streaming.block_rows(MEMORY, stored.train.x)))
    assert count > 2
    for events in (1, count - 1, count + 2):  # in the first epoch, at its last block, in the second
        half = under_way(run_spec, stored, events)
        assert half.within is not None
        again = checkpointing.from_checkpoint(checkpointing.to_checkpoint(half), "x")
        assert again.history.epoch == (events > count)
        for progress in run.run(again, stored):
            again = progress.snapshot
        assert again.within is None
        assert tensors(again) == tensors(straight)
        assert untimed(again) == untimed(straight)
        assert again.history.initial == straight.history.initial


def test_blocks_that_are_done_are_not_read_again(monkeypatch) -> None:
    _, stored = pair()
    sizes = (50, 50, 50, 53)
    order = page_order(3, 1, len(stored.train.x.pages), sizes).tolist()
    every = list(reading.blocks(stored.train, order, sizes))
    read = []
    page = Pages.page

    def watched(pages: Pages, number: int):
        read.append(number)
        return page(pages, number)

    monkeypatch.setattr(Pages, "page", watched)
    rest = list(reading.blocks(stored.train, order, sizes, 3))
    assert [np.array_equal(rest[0].x, every[3].x), np.array_equal(rest[0].y, every[3].y)] == [1, 1]
    assert len(rest) == 1
    assert len(read) <= 7  # pages of 9 rows


@pytest.mark.parametrize("blocks", [0, 9])
def test_an_epoch_under_way_of_other_blocks_is_refused(blocks) -> None:
    _, stored = pair()
    half = under_way(spec(**OPTIONS), stored, 1)
    wrong = replace(half, within=half.within._replace(blocks=blocks))
    with pytest.raises(CheckpointError, match="under way"):
        list(run.run(wrong, stored))
    other = replace(half, within=half.within._replace(left=half.within.left[1:]))
    with pytest.raises(CheckpointError, match="under way"):
        list(run.run(other, stored))


def test_a_run_stopped_inside_an_epoch_is_verified_by_its_whole_epochs() -> None:
    _, stored = pair()
    run_spec = spec(**OPTIONS)
    count = len(block_sizes(EXAMPLES, 16, streaming.block_rows(MEMORY, stored.train.x)))
    kept = checkpointing.to_checkpoint(under_way(run_spec, stored, count + 1))
    assert any(name.startswith("within/") for name in kept.tensors)
    begun = run.start(run_spec, stored)
    repetition = verify.Repetition(Path("x"), kept, 1, {}, stored, begun)
    *_, last = repetition.run()
    assert repetition.compare(last.snapshot).same
