"""How a stored network does: scores, confusion, gradients, and what its batch-norm statistics cost."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from dnncli.data import Dataset, Split
from dnncli.errors import SpecError
from dnncli.experiments.alignment import adopt
from dnncli.nn import inference, layer_stats
from dnncli.nn.network import Statistics, TrainState
from dnncli.records import (
    BatchNormRecord,
    ClassScore,
    EvalRecord,
    LayerRecord,
    NormMismatch,
    Score,
    SplitRecord,
)
from dnncli.training import engine, phases
from dnncli.training import plan as plans
from dnncli.training.engine import Block
from dnncli.training.snapshot import Snapshot

__all__ = ["adopt", "class_scores", "evaluate", "mean_cross_entropy", "observe"]

KINDS = ("moving", "batch", "population")  # of batch-norm statistics
TIMED_PASSES = 5  # forward passes over a split, of which the fastest counts


def evaluate(
    snapshot: Snapshot,
    dataset: Dataset,
    splits: Sequence[str],
    checkpoint: str,
    *,
    gradients: bool = False,
    bn_stats: str | None = None,
) -> EvalRecord:
    """Scores of the best epoch's network on the splits, and what else is asked for.

    `bn_stats` is one of KINDS, with which the splits are scored, or "all": then the moving averages
    score the splits and the record compares all three.
    """
    if bn_stats and not any(moments for moments in snapshot.statistics):
        raise SpecError(f"--bn-stats {bn_stats}: the network in {checkpoint} has no batch norm.")
    kinds = {} if bn_stats is None else _statistics(snapshot, dataset)
    statistics = kinds.get(bn_stats or "", snapshot.statistics)
    asked = KINDS if bn_stats == "all" else (bn_stats or "",)
    return EvalRecord(
        config=snapshot.spec.options(),
        checkpoint=checkpoint,
        data=dataset.record(),
        splits={name: _split_record(snapshot, statistics, dataset, name) for name in splits},
        layers=observe(snapshot, dataset) if gradients else None,
        bn=_batch_norm_record(snapshot, dataset, splits, kinds, asked) if bn_stats else None,
    )


def _split_record(
    snapshot: Snapshot, statistics: Statistics, dataset: Dataset, name: str
) -> SplitRecord:
    split = dataset.split(name)
    logits, rate = _timed_logits(snapshot, statistics, split)
    predicted = logits.argmax(axis=1)
    classes = len(dataset.class_names)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (split.y, predicted), 1)
    return SplitRecord(
        loss=mean_cross_entropy(logits, split.y),
        accuracy=float((predicted == split.y).mean()),
        examples=len(split),
        examples_per_second=rate,
        per_class=class_scores(dataset.class_names, confusion),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def _timed_logits(
    snapshot: Snapshot, statistics: Statistics, split: Split
) -> tuple[Float[np.ndarray, "examples classes"], float]:
    """Logits, and how many examples a second the compiled forward pass takes at its fastest."""
    x = jax.device_put(split.x)
    arguments = (snapshot.spec.network, snapshot.parameters, statistics, x)
    logits, fastest = inference.compiled_logits(*arguments).block_until_ready(), float("inf")
    for _ in range(TIMED_PASSES):
        began = time.perf_counter()
        inference.compiled_logits(*arguments).block_until_ready()
        fastest = min(fastest, time.perf_counter() - began)
    return np.asarray(logits), len(split) / fastest


def mean_cross_entropy(
    logits: Float[np.ndarray, "examples classes"], y: Int[np.ndarray, " examples"]
) -> float:
    """Mean of -log softmax(logits)[y], in float64."""
    exact = logits.astype(np.float64)
    peak = exact.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(exact - peak).sum(axis=1)) + peak[:, 0]
    return float((normaliser - exact[np.arange(len(y)), y]).mean())


def class_scores(
    names: Sequence[str], confusion: Int[np.ndarray, "classes classes"]
) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class; None where nothing was there to be found or was found."""
    support, found, hits = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)

    def share(part: np.integer, whole: np.integer) -> float | None:
        return float(part / whole) if whole else None

    return tuple(
        ClassScore(
            name=name,
            precision=share(hits[i], found[i]),
            recall=share(hits[i], support[i]),
            f1=share(2 * hits[i], support[i] + found[i]),
            support=int(support[i]),
        )
        for i, name in enumerate(names)
    )


def observe(snapshot: Snapshot, dataset: Dataset) -> tuple[LayerRecord, ...]:
    """The LAYER figures of the stored network over batches of the training set, without training it."""
    spec, train = snapshot.spec, dataset.train
    program = phases.program(spec, len(train), max(0, snapshot.epoch - 1))
    plan = plans.plan(spec, snapshot.best_epoch, len(train))
    state = TrainState(
        snapshot.parameters, snapshot.statistics, snapshot.state.optimizer, snapshot.state.step
    )
    key = np.array([0, spec.seed], np.uint32)
    block = Block(*jax.device_put((train.x, train.y)))
    _, responding, stats = jax.device_get(engine.compiled_observe(program, state, block, key, plan))
    figures = layer_stats.records(
        spec.network, stats, responding.any(axis=0), np.zeros((0, 1), bool)
    )
    frozen = spec.freezing.frozen(max(1, snapshot.epoch))
    return tuple(replace(figure, frozen=figure.layer in frozen) for figure in figures)


def _statistics(snapshot: Snapshot, dataset: Dataset) -> dict[str, Statistics]:
    spec, x = snapshot.spec, jax.device_put(dataset.train.x)
    size = min(spec.schedule.batch_size, len(dataset.train))
    return {
        "moving": snapshot.statistics,
        "batch": inference.compiled_batch_statistics(spec.network, snapshot.parameters, x, size),
        "population": inference.compiled_population_statistics(
            spec.network, snapshot.parameters, x
        ),
    }


def _batch_norm_record(
    snapshot: Snapshot,
    dataset: Dataset,
    splits: Sequence[str],
    kinds: dict[str, Statistics],
    asked: Sequence[str],
) -> BatchNormRecord:
    host = jax.device_get(kinds)
    layers = zip(snapshot.spec.network.layers(), *(host[kind] for kind in KINDS), strict=True)
    mismatches = tuple(_mismatch(name, *moments) for name, *moments in layers if moments[0])
    scores = {
        kind: {name: _score(snapshot, kinds[kind], dataset.split(name)) for name in splits}
        for kind in asked
    }
    return BatchNormRecord(scores, mismatches)


def _score(snapshot: Snapshot, statistics: Statistics, split: Split) -> Score:
    logits = np.asarray(
        inference.compiled_logits(
            snapshot.spec.network, snapshot.parameters, statistics, jax.device_put(split.x)
        )
    )
    return Score(
        mean_cross_entropy(logits, split.y), float((logits.argmax(axis=1) == split.y).mean())
    )


def _mismatch(name: str, moving: Any, batch: Any, exact: Any) -> NormMismatch:
    deviation = np.sqrt(np.maximum(exact.variance, np.finfo(np.float32).tiny))

    def mean_off(mean: Float[np.ndarray, " units"]) -> float:
        return float(np.sqrt(np.mean(((mean - exact.mean) / deviation) ** 2)))

    def variance_ratio(variance: Float[np.ndarray, " units"]) -> float:
        return float(np.mean(variance / deviation**2))

    return NormMismatch(
        name,
        mean_off(moving.mean),
        variance_ratio(moving.variance),
        mean_off(batch.mean),
        variance_ratio(batch.variance),
    )
