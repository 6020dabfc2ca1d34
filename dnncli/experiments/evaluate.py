"""How a stored network performs: scores, confusion matrix, gradients, batch-norm statistics."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dnncli.data import Dataset, Split
from dnncli.data.quantities import Quantities
from dnncli.errors import SpecError
from dnncli.experiments import importance as columns
from dnncli.experiments.metrics import classification, regression, threshold
from dnncli.experiments.metrics.held_out import with_unseen
from dnncli.nn import inference, layer_stats, tasks
from dnncli.nn.network import Moments, Statistics
from dnncli.records import (
    BatchNormRecord,
    ClassScore,
    EvalRecord,
    LayerRecord,
    Metric,
    Metrics,
    NormMismatch,
    Score,
    SplitRecord,
)
from dnncli.stages import stage
from dnncli.training import engine, phases, placement, smoothness
from dnncli.training.moving_averages import batch_moments
from dnncli.training.plan import epoch_plan, key
from dnncli.training.regression_outcome import r2
from dnncli.training.snapshot import Snapshot

KINDS = ("moving", "batch", "population")  # of batch-norm statistics
TIMED_PASSES = 5  # forward passes over a split, of which the fastest counts

Logits = Float[np.ndarray, "examples classes"]


def evaluate(
    snapshot: Snapshot,
    dataset: Dataset,
    splits: Sequence[str],
    checkpoint: str,
    *,
    gradients: bool = False,
    bn_stats: str | None = None,
    importance: bool = False,
    along_gradient: float | None = None,
) -> EvalRecord:
    """Scores of the best epoch's network on the splits, and what else is asked for.

    bn_stats: one of KINDS, with which the splits are scored, or "all": then the moving averages
    score the splits and the record compares all three. importance: every column's, on each split.
    along_gradient: the rate of a step, some of which are looked ahead along the gradient.
    Raises SpecError for `bn_stats` of a network without batch norm, and as `columns.measure`.
    """
    if bn_stats and not any(snapshot.network.statistics):
        raise SpecError(
            f"--bn-stats {bn_stats}: the network in {checkpoint} has no batch norm.",
            option="--bn-stats",
        )
    record = EvalRecord(
        config=snapshot.spec.options(),
        checkpoint=checkpoint,
        data=dataset.record(),
        splits={},
        threshold=snapshot.threshold,
        calibration=snapshot.calibration,
    )
    statistics = snapshot.network.statistics
    if gradients:
        with stage("gradients of the training examples"):
            record = replace(record, layers=observe(snapshot, dataset))
    if along_gradient is not None:
        with stage("losses along the gradient"):
            ahead = smoothness.measure(snapshot, dataset, along_gradient)
        record = replace(record, along_gradient=ahead)
    if bn_stats:
        kinds = batch_norm_statistics(snapshot, dataset)
        statistics = kinds.get(bn_stats, statistics)
        compared = KINDS if bn_stats == "all" else (bn_stats,)
        scores = {kind: _scores(snapshot, kinds[kind], dataset, splits) for kind in compared}
        mismatches = tuple(_mismatches(snapshot, kinds))
        record = replace(record, bn=BatchNormRecord(scores, mismatches))
    measured = {}
    for name in splits:
        with stage(f"measuring the {name} split"):
            measured[name] = _split_record(snapshot, statistics, dataset, name)
    if importance:
        network = snapshot.answering._replace(statistics=statistics)
        for name, split in measured.items():
            found = columns.measure(snapshot, network, dataset, name)
            measured[name] = replace(split, importance=found)
    return replace(record, splits=measured)


def _split_record(
    snapshot: Snapshot, statistics: Statistics, dataset: Dataset, name: str
) -> SplitRecord:
    """A split's scores with these batch-norm statistics."""
    split = dataset.split(name)
    logits, speed = _timed_logits(snapshot, statistics, split)
    if dataset.quantities is not None:
        return _of_numbers(snapshot, logits, split, dataset.quantities, speed)
    asked = (logits, split.y)
    if name == "test" or dataset.whole:
        asked = with_unseen(logits, snapshot, dataset)
    given = classification.answers(*asked, dataset.train.y, snapshot.threshold)
    ranked = classification.rankings(given)
    # With a row for the classes that training had not.
    confusion = np.zeros((dataset.classes + 1, dataset.classes), np.int64)
    np.add.at(confusion, (given.right, given.said), 1)
    per_class = class_scores(dataset.class_names, confusion)
    confusion = confusion[: dataset.classes]
    return SplitRecord(
        loss=mean_cross_entropy(logits, split.y),
        accuracy=float((given.said == given.right).mean()),
        examples=len(given.right),
        unseen=len(given.right) - len(split),
        examples_per_second=speed,
        per_class=tuple(map(_with_metrics, per_class, classification.by_class(given, ranked))),
        confusion=tuple(map(tuple, confusion.tolist())),
        metrics=classification.metrics(given, ranked),
        headline=classification.headline(dataset.train.y, dataset.classes),
        positive=classification.positive(dataset.class_names),
        reliability=classification.reliability(given),
    )


def _with_metrics(score: ClassScore, metrics: Metrics) -> ClassScore:
    return replace(score, metrics=metrics)


def _of_numbers(
    snapshot: Snapshot, outputs: Logits, split: Split, numbers: Quantities, speed: float
) -> SplitRecord:
    """A split's scores in a regression."""
    score = _score(snapshot, outputs, split)
    return SplitRecord(
        loss=score.loss,
        accuracy=None,
        examples=len(split),
        examples_per_second=speed,
        per_class=(),
        confusion=(),
        metrics=regression.metrics(outputs, split, numbers),
        headline="r2",
        predictions=regression.sample_of_predictions(outputs, split, numbers),
    )


def _timed_logits(snapshot: Snapshot, statistics: Statistics, split: Split) -> tuple[Logits, float]:
    """Logits, and the examples a second of the fastest of several compiled forward passes."""
    x = placement.features(split.x)
    network = snapshot.answering._replace(statistics=statistics)
    arguments = (snapshot.spec.network, network, x)
    logits = inference.compiled_logits(*arguments).block_until_ready()
    fastest = float("inf")
    for _ in range(TIMED_PASSES):
        began = time.perf_counter()
        inference.compiled_logits(*arguments).block_until_ready()
        fastest = min(fastest, time.perf_counter() - began)
    return np.asarray(logits), len(split) / fastest


def _score(snapshot: Snapshot, logits: Logits, split: Split) -> Score:
    """Mean loss and accuracy of logits; of a regression's outputs the loss and R²."""
    if split.y.ndim > 1:
        y = split.y.astype(np.float64)
        losses = tasks.TASKS[snapshot.spec.loss].losses(jnp.asarray(logits), jnp.asarray(split.y))
        mean = float(np.asarray(losses, np.float64).mean())
        found = Metric(r2(y, logits.astype(np.float64)))
        return Score(mean, None, {"r2": found})
    predicted = threshold.answered(logits, snapshot.threshold)
    accuracy = float((predicted == split.y).mean())
    return Score(mean_cross_entropy(logits, split.y), accuracy)


def mean_cross_entropy(logits: Logits, y: Int[np.ndarray, " examples"]) -> float:
    """Mean of -log softmax(logits)[y], in float64."""
    exact = logits.astype(np.float64)
    return float((classification.log_sum(exact) - exact[np.arange(len(y)), y]).mean())


def class_scores(
    names: Sequence[str], confusion: Int[np.ndarray, "true classes"]
) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class, None where they would divide by 0.

    confusion[i, j] counts the examples of class i that were predicted as class j; i may be one more
    than there are classes.
    """
    support = confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    hits = np.diag(confusion)
    return tuple(
        ClassScore(
            name=name,
            precision=_ratio(hits[i], predicted[i]),
            recall=_ratio(hits[i], support[i]),
            f1=_ratio(2 * hits[i], support[i] + predicted[i]),
            support=int(support[i]),
        )
        for i, name in enumerate(names)
    )


def _ratio(part: np.integer, whole: np.integer) -> float | None:
    """The quotient; None where `whole` is 0."""
    return float(part / whole) if whole else None


def observe(snapshot: Snapshot, dataset: Dataset) -> tuple[LayerRecord, ...]:
    """Layer statistics of the stored network on training batches, without training it."""
    spec = snapshot.spec
    examples = len(dataset.train)
    program = phases.program(spec, examples, max(0, snapshot.history.epoch - 1))
    state = snapshot.state._replace(network=snapshot.network)
    plan = epoch_plan(spec, snapshot.history.best_epoch, examples)
    train = placement.block(dataset.train)
    measured = engine.compiled_observe(program, state, train, key(spec.seed), plan)
    _, active, stats = placement.fetch(measured)
    never_clipped = np.zeros((0, 1), bool)
    records = layer_stats.records(spec.network, stats, active.any(axis=0), never_clipped)
    frozen = spec.freezing.frozen(max(1, snapshot.history.epoch))
    return tuple(replace(record, frozen=record.layer in frozen) for record in records)


def batch_norm_statistics(snapshot: Snapshot, dataset: Dataset) -> dict[str, Statistics]:
    """The network's batch-norm statistics by kind: see `records.BatchNormRecord`.

    The batches are those of an epoch.
    """
    spec = snapshot.spec
    x = placement.features(dataset.train.x)
    batch = batch_moments(snapshot, dataset)
    exact = inference.compiled_population_statistics(spec.network, snapshot.network.parameters, x)
    return {"moving": snapshot.network.statistics, "batch": batch, "population": exact}


def _scores(
    snapshot: Snapshot, statistics: Statistics, dataset: Dataset, splits: Sequence[str]
) -> dict[str, Score]:
    """The splits' scores with these batch-norm statistics."""
    scores = {}
    for name in splits:
        split = dataset.split(name)
        x = placement.features(split.x)
        network = snapshot.answering._replace(statistics=statistics)
        logits = np.asarray(inference.compiled_logits(snapshot.spec.network, network, x))
        scores[name] = _score(snapshot, logits, split)
    return scores


def _mismatches(snapshot: Snapshot, kinds: Mapping[str, Statistics]) -> Iterator[NormMismatch]:
    """How far each normalised layer's statistics are from the training set's exact ones."""
    host = jax.device_get(dict(kinds))
    moments = zip(*(host[kind] for kind in KINDS), strict=True)
    for name, of_layer in zip(snapshot.spec.network.layers(), moments, strict=True):
        if of_layer[0]:
            yield _mismatch(name, *of_layer)


def _mismatch(name: str, moving: Moments, batch: Moments, exact: Moments) -> NormMismatch:
    return NormMismatch(
        name,
        _mean_error(moving, exact),
        _variance_ratio(moving, exact),
        _mean_error(batch, exact),
        _variance_ratio(batch, exact),
    )


def _mean_error(moments: Moments, exact: Moments) -> float:
    """Root mean square over units of the means' errors, in exact standard deviations."""
    errors = (np.asarray(moments.mean) - np.asarray(exact.mean)) / _deviation(exact)
    return float(np.sqrt(np.mean(errors**2)))


def _variance_ratio(moments: Moments, exact: Moments) -> float:
    """Mean over units of variance / exact variance."""
    return float(np.mean(np.asarray(moments.variance) / _deviation(exact) ** 2))


def _deviation(exact: Moments) -> Float[np.ndarray, " units"]:
    """Exact standard deviations; a constant unit gets the smallest normal float32 as variance."""
    tiny = np.finfo(np.float32).tiny
    return np.sqrt(np.maximum(np.asarray(exact.variance), tiny))
