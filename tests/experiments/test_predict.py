"""Predictions for new rows, whatever the blocks they come in."""

import numpy as np
import pytest

from dnncli.data import Dataset, Scaling, Split
from dnncli.experiments import predict
from dnncli.spec import from_options
from dnncli.training.run import start
from dnncli.training.snapshot import Snapshot


def dataset(features: int) -> Dataset:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, features)).astype(np.float32), (np.arange(30) % 3).astype(np.int32)
    split = Split(x, y)
    scaling = Scaling(
        "standard", np.full(features, 2, np.float32), np.full(features, 4, np.float32)
    )
    return Dataset("toy", split, split, split, ("a", "b", "c"), scaling, "0", None)


def snapshot(features: int = 5) -> Snapshot:
    return start(from_options({"hidden": (7, 6), "act": "tanh"}), dataset(features))


def logits(run: Snapshot, x: np.ndarray) -> np.ndarray:
    """The network in float64, by hand."""
    a = (x.astype(np.float64) - 2) / 4
    for layer in run.network.parameters[:-1]:
        a = np.tanh(a @ np.asarray(layer.kernel, np.float64) + np.asarray(layer.bias, np.float64))
    last = run.network.parameters[-1]
    return a @ np.asarray(last.kernel, np.float64) + np.asarray(last.bias, np.float64)


def blocks(x: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(x, np.cumsum(sizes))


@pytest.mark.parametrize("sizes", [[], [1] * 40, [10, 0, 25], [4096], [5000, 3]])
def test_predictions_do_not_depend_on_the_blocks(sizes: list[int]) -> None:
    x = np.random.default_rng(1).normal(size=(9000, 5)).astype(np.float32)
    network = snapshot()
    found = list(predict.predict(network, blocks(x, sizes), probabilities=True))
    z = logits(network, x)
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert [name for part in found for name in part.classes] == ["abc"[i] for i in z.argmax(axis=1)]
    np.testing.assert_allclose(
        [row for part in found for row in part.probabilities or []], shares, rtol=1e-5
    )
    assert [len(part.classes) for part in found] == [4096, 4096, 808]


def test_bytes_are_scaled_like_floats() -> None:
    x = np.random.default_rng(2).integers(0, 256, (10, 5)).astype(np.uint8)
    network = snapshot()
    one, other = (
        list(predict.predict(network, [part], True)) for part in (x, x.astype(np.float32))
    )
    assert one == other


def test_no_rows_give_no_predictions() -> None:
    assert list(predict.predict(snapshot(), [])) == []
    assert list(predict.predict(snapshot(), [np.zeros((0, 5), np.float32)])) == []


def test_batches_of_wide_rows_are_of_bounded_memory() -> None:
    features = 1 << 20
    ((batch, count),) = predict.batches([np.ones((3, features), np.float32)], features)
    assert batch.nbytes == 4 * predict.MOST_NUMBERS
    assert (count, batch[2].min(), batch[3].max()) == (3, 1, 0)


def test_probabilities_print_as_float32() -> None:
    ((row,),) = (
        part.probabilities
        for part in predict.predict(snapshot(), [np.zeros((1, 5), np.float32)], True)
    )
    assert all(len(str(share)) <= 13 for share in row)
    assert abs(sum(row) - 1) < 1e-6


def test_softmax_stands_large_logits() -> None:
    found = predict.softmax(np.array([[1e38, -1e38, 0], [1, 1, 1]], np.float32))
    np.testing.assert_allclose(found, [[1, 0, 0], [1 / 3] * 3], rtol=1e-6)
