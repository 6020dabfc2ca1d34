"""Targets that are numbers: standardised for the network, and back in their own unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32

from dnncli.records import Notice, TargetRecord

METRICS = ("r2", "rmse", "mae")
BINS = 10  # of a target's quantiles, from each of which a split draws in proportion …
ROWS_A_BIN = 10  # … if there are so many rows for each
MOST_FRACTIONS = 20  # different numbers with fractions that are classes without further question
MOST_LEVELS = 10  # the same of whole numbers, as 3 to 9 for quality
ROWS_A_CLASS = 10  # on average, below which many whole numbers are no classes
# Of many classes that are numbered each is about as frequent: their entropy over that of equal
# shares. Ages, counts and marks have a middle and tails.
EVEN = 0.96
MOST_COUNTED = 1000  # different numbers that a notice tells exactly


@dataclass(frozen=True, eq=False)
class Quantities:
    """Target columns whose values are numbers.

    A network learns (value - offset) / scale: mean 0 and standard deviation 1 over the training
    examples.
    """

    names: tuple[str, ...]
    offset: Float64[np.ndarray, " outputs"]
    scale: Float64[np.ndarray, " outputs"]

    def standardise(self, y: Float64[np.ndarray, "rows outputs"]) -> Float32[np.ndarray, "rows _"]:
        """Values as the network learns them."""
        return ((y - self.offset) / self.scale).astype(np.float32)

    def restore(self, z: Float[np.ndarray, "rows outputs"]) -> Float64[np.ndarray, "rows _"]:
        """What the network puts out, in the targets' units."""
        return z.astype(np.float64) * self.scale + self.offset

    def rounded(self, z: Float[np.ndarray, "rows outputs"]) -> Float64[np.ndarray, "rows _"]:
        """`restore` to the digits that float32 outputs have: a ten-millionth of the scale."""
        values = self.restore(z)
        digits = 6 - np.floor(np.log10(self.scale)).astype(int)
        columns = [np.round(values[:, i], digit) for i, digit in enumerate(digits.tolist())]
        return np.stack(columns, axis=1)

    def in_units(self, metrics: Mapping[str, Float[np.ndarray, " outputs"]]) -> dict[str, float]:
        """Metrics of standardised values as numbers in the targets' units.

        `rmse` and `mae` are multiplied by the scale, `r2` has no unit. Of several targets every
        metric is given for each, as `rmse_a`, and `r2` as their mean besides: errors in different
        units have no common one.
        """
        units = {"rmse": self.scale, "mae": self.scale}
        found: dict[str, float] = {}
        # Compiled programs give dictionaries back with their keys sorted.
        for name in METRICS:
            scaled = np.asarray(metrics[name], np.float64) * units.get(name, 1.0)
            if len(self.names) == 1:
                found[name] = float(scaled[0])
                continue
            if name not in units:
                found[name] = float(scaled.mean())
            found |= {f"{name}_{own}": float(v) for own, v in zip(self.names, scaled, strict=True)}
        return found


def fit(names: tuple[str, ...], y: Float64[np.ndarray, "rows outputs"]) -> Quantities:
    """Mean and standard deviation of the training examples; of a constant 1."""
    offset = y.mean(axis=0)
    deviation = y.std(axis=0)
    constant = (y.max(axis=0) == y.min(axis=0)) | (deviation == 0)
    return Quantities(names, offset, np.where(constant, 1.0, deviation))


def strata(y: Float64[np.ndarray, "rows outputs"]) -> Int32[np.ndarray, " rows"]:
    """Each row's bin among quantiles of the first target: equal values have the same one."""
    first = y[:, 0]
    bins = int(np.clip(len(first) // ROWS_A_BIN, 1, BINS))
    edges = np.quantile(first, np.arange(1, bins) / bins)
    index = np.searchsorted(edges, first, side="right")
    # Numbered without gaps, since several quantiles of few values can be the same.
    return np.unique(index, return_inverse=True)[1].astype(np.int32)


def is_quantity(values: Sequence[float], counts: Sequence[int]) -> bool:
    """Whether numbers measure something, rather than name classes.

    They do where they have fractions and are many, or are more than MOST_LEVELS whole numbers that
    are rare, have gaps, or are unevenly frequent. counts: how often each number occurs.
    """
    many = len(values)
    rows = sum(counts)
    if any(not float(value).is_integer() for value in values):
        return many > MOST_FRACTIONS or 2 < rows / 2 < many
    if many <= MOST_LEVELS:
        return False
    gaps = max(values) - min(values) + 1 > many
    rare = rows < ROWS_A_CLASS * many
    return gaps or rare or _evenness(counts) < EVEN


def _evenness(counts: Sequence[int]) -> float:
    """The entropy of frequencies over that of equal ones: 1 where all are."""
    total = sum(counts)
    shares = [count / total for count in counts]
    return -math.fsum(share * math.log(share) for share in shares) / math.log(len(shares))


def notice(kind: str, name: str, values: Sequence[float]) -> Notice:
    """What was chosen for a target of numbers that could be either, and from which values."""
    different = f"{len(values):,}"
    if len(values) > MOST_COUNTED:
        different = f"over {MOST_COUNTED:,}"
    facts: dict[str, str | int | float] = {
        "column": name,
        "least": float(min(values)),
        "greatest": float(max(values)),
        "different": different,
    }
    return Notice(kind, facts=facts)


def summaries(
    names: Sequence[str], y: Float64[np.ndarray, "rows targets"]
) -> tuple[TargetRecord, ...]:
    """What each target's values are."""
    return tuple(
        TargetRecord(name, float(v.min()), float(v.max()), float(v.mean()), float(v.std()))
        for name, v in zip(names, y.T, strict=True)
    )
