"""What a stored network makes of new rows: one compiled forward pass over batches of one size."""

from collections.abc import Iterable, Iterator

import jax
import numpy as np
from jaxtyping import Float, Float32, UInt8

from dnncli.nn import inference
from dnncli.records import Predictions
from dnncli.training.snapshot import Snapshot

LARGEST = 4096  # rows of a batch …
NUMBERS = 1 << 23  # … and the numbers in it, 32 MB
Block = Float32[np.ndarray, "_ features"] | UInt8[np.ndarray, "_ features"]


def predict(
    snapshot: Snapshot, blocks: Iterable[Block], probabilities: bool = False
) -> Iterator[Predictions]:
    """Classes of the best epoch's network for blocks of unscaled rows, in their order."""
    features, names = snapshot.data.record.features, np.array(snapshot.data.class_names, object)
    parameters, statistics = jax.device_put((snapshot.parameters, snapshot.statistics))
    for rows, count in batches(blocks, features):
        x = snapshot.data.scaling.apply(rows)
        device = inference.compiled_logits(
            snapshot.spec.network, parameters, statistics, jax.device_put(x)
        )
        logits = np.asarray(device)[:count]
        shares = softmax(logits) if probabilities else None
        yield Predictions(
            names[logits.argmax(axis=1)].tolist(),
            None if shares is None else _shortest(shares).tolist(),
        )


def batches(blocks: Iterable[Block], features: int) -> Iterator[tuple[Block, int]]:
    """Blocks of any sizes as batches of one size, zeros after the last row, and how many rows are meant."""
    size = max(1, min(LARGEST, NUMBERS // features))
    buffer, filled = None, 0
    for block in blocks:
        while len(block):
            if buffer is None:
                buffer = np.zeros((size, features), block.dtype)
            taken = min(len(block), size - filled)
            buffer[filled : filled + taken] = block[:taken]
            block, filled = block[taken:], filled + taken
            if filled == size:
                yield buffer, size
                buffer, filled = None, 0
    if buffer is not None:
        yield buffer, filled


def softmax(logits: Float32[np.ndarray, "rows classes"]) -> Float32[np.ndarray, "rows classes"]:
    """Probabilities, worked out in float64."""
    exact = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return (exact / exact.sum(axis=1, keepdims=True)).astype(np.float32)


def _shortest(x: Float32[np.ndarray, "rows classes"]) -> Float[np.ndarray, "rows classes"]:
    """The float64 numbers that print as the float32 ones do: 0.1, not 0.10000000149011612."""
    return x.astype("U").astype(np.float64)
