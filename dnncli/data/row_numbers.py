"""Random numbers for rows, made of a seed and their values: the same wherever a row stands."""

import numpy as np
from jaxtyping import Float32, UInt8, UInt64

ROWS = 4096  # that are taken at a time
# The finisher of SplitMix64 (Steele, Lea & Flood 2014), by which all bits depend on all.
MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


def row_numbers(
    x: Float32[np.ndarray, "rows features"] | UInt8[np.ndarray, "rows features"], seed: int
) -> UInt64[np.ndarray, " rows"]:
    """64 random bits for each row; equal rows have equal ones.

    Each value's bits, as a float32, are multiplied by a random odd number for its feature; the sum
    and one more number, modulo 2^64, are mixed (multilinear hashing, Lemire & Kaser 2014).
    """
    drawn = np.asarray(np.random.Philox(key=seed).random_raw(x.shape[1] + 1), np.uint64)
    multipliers = drawn[1:] | np.uint64(1)
    parts = [_sums(x[start : start + ROWS], multipliers) for start in range(0, len(x), ROWS)]
    mixed = np.concatenate([*parts, np.empty(0, np.uint64)]) + drawn[0]
    for shift, factor in MIXING:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed


def _sums(
    x: Float32[np.ndarray, "rows features"] | UInt8[np.ndarray, "rows features"],
    multipliers: UInt64[np.ndarray, " features"],
) -> UInt64[np.ndarray, " rows"]:
    plain = np.ascontiguousarray(x, np.float32) + np.float32(0)  # -0 is 0
    words = plain.view(np.uint32).astype(np.uint64)
    return (words * multipliers).sum(axis=1, dtype=np.uint64)
