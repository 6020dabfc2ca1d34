"""Predictions for new rows: one compiled forward pass over batches of one size."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float, Float32, UInt8

from dnncli.experiments.metrics.threshold import answered
from dnncli.nn import inference
from dnncli.records import Predictions
from dnncli.stages import stage
from dnncli.training import placement
from dnncli.training.snapshot import Snapshot

MOST_ROWS = 4096  # of a batch …
MOST_NUMBERS = 1 << 23  # … and the most numbers in it, 32 MB
Block = Float32[np.ndarray, "_ features"] | UInt8[np.ndarray, "_ features"]


def predict(
    snapshot: Snapshot, blocks: Iterable[Block], probabilities: bool = False
) -> Iterator[Predictions]:
    """The best epoch's predictions for blocks of unscaled rows, in their order."""
    names = np.array(snapshot.data.class_names, object)
    for logits in outputs(snapshot, blocks):
        if snapshot.data.numbers is not None:
            yield Predictions([], values=snapshot.data.numbers.rounded(logits).tolist())
            continue
        classes = names[answered(logits, snapshot.threshold)].tolist()
        if probabilities:
            yield Predictions(classes, _shortest(softmax(logits)).tolist())
        else:
            yield Predictions(classes)


def outputs(
    snapshot: Snapshot, blocks: Iterable[Block]
) -> Iterator[Float32[np.ndarray, "rows outputs"]]:
    """What the best epoch's network puts out for blocks of unscaled rows, in their order."""
    network = placement.put(snapshot.answering)
    done = 0
    with stage("predicting rows") as told:
        for rows, count in batches(blocks, snapshot.data.scaling.taken):
            x = placement.put(snapshot.data.scaling.apply(rows))
            yield np.asarray(inference.compiled_logits(snapshot.spec.network, network, x))[:count]
            done += count
            told.reach(done)


def batches(blocks: Iterable[Block], features: int) -> Iterator[tuple[Block, int]]:
    """Blocks of any size as batches of one size; yields each batch and how many rows it holds.

    The rows after the last one of the last batch are zeros.
    """
    size = max(1, min(MOST_ROWS, MOST_NUMBERS // features))
    buffer = None
    filled = 0
    for block in blocks:
        while len(block):
            if buffer is None:
                buffer = np.zeros((size, features), block.dtype)
            taken = min(len(block), size - filled)
            buffer[filled : filled + taken] = block[:taken]
            block = block[taken:]
            filled += taken
            if filled == size:
                yield buffer, size
                # A new buffer: the device may still read this one.
                buffer = None
                filled = 0
    if buffer is not None:
        yield buffer, filled


def softmax(logits: Float32[np.ndarray, "rows classes"]) -> Float32[np.ndarray, "rows classes"]:
    """Probabilities from logits, computed in float64."""
    exact = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return (exact / exact.sum(axis=1, keepdims=True)).astype(np.float32)


def _shortest(x: Float32[np.ndarray, "rows classes"]) -> Float[np.ndarray, "rows classes"]:
    """The float64 numbers that print as the float32 ones do: 0.1, not 0.10000000149011612."""
    return x.astype("U").astype(np.float64)
