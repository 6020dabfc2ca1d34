"""How much a trained network's answers owe to each column of its table."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int, Int32, Int64

from dnncli.data import Dataset, Split
from dnncli.data.tables.encoding import Encoding
from dnncli.errors import SpecError
from dnncli.experiments.metrics import held_out
from dnncli.experiments.metrics import importance as estimates
from dnncli.experiments.metrics.importance import Score
from dnncli.nn import inference
from dnncli.nn.network import Network
from dnncli.records.importance import ColumnImportance, ImportanceRecord
from dnncli.spec import NetworkSpec
from dnncli.stages import stage
from dnncli.training import placement
from dnncli.training.outcome import sample
from dnncli.training.snapshot import Snapshot

OPTION = "--importance"
MOST_ROWS = 5000  # of a split that are asked: enough for narrow intervals

Rows = Int64[np.ndarray, " rows"]
Outputs = Float32[np.ndarray, "rows outputs"]


class _Asked(NamedTuple):
    """A network, the rows that it is asked about (x: on the device), and what scores it.

    made_of: the unscaled feature of each scaled one.
    """

    spec: NetworkSpec
    network: Network
    x: Any  # an Array, which `put` types as what it was given
    rows: Split
    scores: list[Score]
    threshold: float | None
    made_of: Int32[np.ndarray, " features"]


def measure(snapshot: Snapshot, network: Network, dataset: Dataset, split: str) -> ImportanceRecord:
    """The importance of every column on a split.

    network: the snapshot's, with the batch-norm statistics to use. Raises SpecError for data
    without columns, and for a split whose targets are all the same.
    """
    encoding = _encoding(dataset)
    rows = sample(dataset.split(split), MOST_ROWS)
    if bool((rows.y == rows.y[0]).all()):
        raise SpecError(
            f"{OPTION}: all examples of the {split} split have the same target.", option=OPTION
        )
    scores = estimates.scores(held_out.headline(dataset), rows.y)
    x, network = placement.put((rows.x[:], network))
    made_of = dataset.scaling.made_of
    asked = _Asked(snapshot.spec.network, network, x, rows, scores, snapshot.threshold, made_of)
    given_by = list(estimates.donors(len(rows)))
    first = scores[0].name
    found = list(_columns(asked, encoding, given_by))
    found.sort(key=lambda one: -_value(one, first))
    return ImportanceRecord(
        headline=first, examples=len(rows), permutations=len(given_by), columns=tuple(found)
    )


def _value(one: ColumnImportance, name: str) -> float:
    """A column's importance; 0 where it is undefined."""
    return one.metrics[name].value or 0.0


def _encoding(dataset: Dataset) -> Encoding:
    """The columns. Raises SpecError for data that are not a table."""
    if dataset.encoding is None:
        raise SpecError(
            f"{OPTION}: {dataset.name} is not a table; it has no columns to permute.",
            option=OPTION,
        )
    return dataset.encoding


def _columns(
    asked: _Asked, encoding: Encoding, given_by: Sequence[Rows]
) -> Iterator[ColumnImportance]:
    """Every column's importance, in the table's order."""
    counts = [len(column.features) for column in encoding.columns]
    owners = np.repeat(np.arange(len(counts)), counts)[asked.made_of]  # the column of each feature
    counts = np.bincount(owners).tolist()
    before = _answers(asked, given_by[0], owners < 0)
    with stage("permuting columns", len(counts)) as told:
        for index, column in enumerate(encoding.columns):
            after = [_answers(asked, donors, owners == index) for donors in given_by]
            metrics = {}
            for score in asked.scores:
                merits = partial(
                    estimates.merits, score, split=asked.rows, threshold=asked.threshold
                )
                falls = [merits(before) - merits(outputs) for outputs in after]
                metrics[score.name] = estimates.importance(score, falls, given_by)
            told.reach(index + 1)
            yield ColumnImportance(column.name, counts[index], metrics)


def _answers(asked: _Asked, donors: Rows, mask: Bool[np.ndarray, " features"]) -> Outputs:
    """What the network puts out for rows whose features in `mask` are those of their donors."""
    moved = donors.astype(np.int32)
    return np.asarray(_compiled(asked.spec, asked.network, asked.x, moved, mask))


def _exchanged(
    spec: NetworkSpec,
    network: Network,
    x: Float[Array, "rows features"],
    donors: Int[Array, " rows"],
    mask: Bool[Array, " features"],
) -> Float[Array, "rows outputs"]:
    """`_answers` on the device; all columns and permutations share its program."""
    return inference.logits(spec, network, jnp.where(mask, x[donors], x))


_compiled = jax.jit(_exchanged, static_argnums=0)
