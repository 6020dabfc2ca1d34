"""How the best network does on every example, and what simple models reach: what it has learned."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64, Int

from dnncli.data import Dataset, Split, features
from dnncli.data.class_weights import weighed
from dnncli.nn import examples, inference
from dnncli.nn.network import Network
from dnncli.nn.tasks import TASKS
from dnncli.records import Score
from dnncli.records.diagnosis import Outcome, Reference, RegressionOutcome, SplitOutcome
from dnncli.spec import NetworkSpec
from dnncli.training import engine, nonlinearity, packing, placement, traced_programs
from dnncli.training.certainty import above_frequencies
from dnncli.training.program import Block
from dnncli.training.simple_models import Fitted, neighbours, relative, ridge, standardised_pair
from dnncli.training.snapshot import Snapshot

EXAMPLES = 10_000  # of a split at most: an accuracy is then known to half a percent
TRAIN_SAMPLE = 2000  # of the reference models: their accuracy is known to a percent or so
HELD_OUT_SAMPLE = 500

Weights = Float64[np.ndarray, " classes"] | None  # of an example of each class; None: all alike


class Measured(NamedTuple):
    """The score on the whole test set, and the outcome on samples; None where not measured.

    outputs: what the network puts out for each example of the test set.
    """

    test: Score | None = None
    outcome: Outcome | RegressionOutcome | None = None
    outputs: Float32[np.ndarray, "examples outputs"] | None = None


class _Answers(NamedTuple):
    """Each example's loss and the class that it is taken for."""

    losses: Float[Array, " examples"]
    predicted: Int[Array, " examples"]


def measure(snapshot: Snapshot, dataset: Dataset) -> Measured:
    """The test score, and losses and confusions on training and held-out examples; a reference.

    Dropout does not act. All of it comes from one program: another one for the test set alone would
    take as long to trace and to load as the whole.
    """
    splits = (
        dataset.test,
        sample(dataset.train, EXAMPLES),
        sample(dataset.validation, EXAMPLES // 2),
    )
    blocks = tuple(placement.block(split) for split in splits)
    spec = snapshot.spec
    asked = (packing.packed_network(snapshot.answering), blocks)
    program = traced_programs.compiled(_score_and_answers, (spec.network, spec.loss), *asked)
    score, answers, every = placement.fetch(program(*asked))
    outputs = every[: len(dataset.test)]
    # The mean over the whole test set comes from the device, as every epoch's does.
    test = Score(float(score.loss), float(score.metrics["accuracy"]))
    outcome = _outcome(dataset, splits, answers)
    if snapshot.spec.network.act == "identity" and outcome.reference is not None:
        outcome = replace(outcome, bend=_bend(splits, every))
    return Measured(test, outcome, outputs)


def _bend(
    splits: tuple[Split, ...], outputs: Float32[np.ndarray, "examples outputs"]
) -> float | None:
    """`nonlinearity.bend` of a linear network; None where all features are constant."""
    test, train, validation = splits
    ends = np.cumsum([len(test), len(train)])
    of_test, of_train, of_validation = np.split(outputs, ends)
    held_out = together(test, validation)
    pair = standardised_pair(train, held_out)
    if pair is None:
        return None
    known = nonlinearity.residuals(of_train, train.y)
    asked = nonlinearity.residuals(np.concatenate([of_test, of_validation]), held_out.y)
    return nonlinearity.bend(pair[0], known, pair[1], asked)


def _outcome(dataset: Dataset, splits: tuple[Split, ...], answers: Any) -> Outcome:
    """Losses and confusions; the held-out examples are validation and a sample of the test set.

    `answers` are in NumPy, where jit's types are JAX's.
    """
    ends = np.cumsum([len(split) for split in splits])
    parts = (np.split(values, ends[:-1]) for values in answers)
    seen = [_Seen(split.y, *part) for split, *part in zip(splits, *parts, strict=True)]
    every = _stride(dataset.test, EXAMPLES // 2)
    test = _Seen(*(values[::every] for values in seen[0]))
    held_out = _Seen(*map(np.concatenate, zip(seen[2], test, strict=True)))
    weights = dataset.train.class_weights(dataset.classes)
    train = seen[1].record(dataset.classes, weights)
    held_out_record = held_out.record(dataset.classes, weights)
    asked = together(splits[2], sample(dataset.test, EXAMPLES // 2))
    reference = simple_models(dataset.train, asked, dataset.classes)
    return Outcome(train, held_out_record, reference)


class _Seen(NamedTuple):
    """Examples' classes, and what a network made of them."""

    y: Int[np.ndarray, " examples"]
    losses: Float[np.ndarray, " examples"]
    predicted: Int[np.ndarray, " examples"]

    def record(self, classes: int, weights: Weights = None) -> SplitOutcome:
        """Loss, confusion and certainty, with each example as its class counts in the loss."""
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (self.y, self.predicted), 1)
        losses = self.losses.astype(np.float64)
        own = None
        if weights is not None:
            own = weights[self.y]
            confusion = weighed(confusion, weights)
        loss = float(np.average(losses, weights=own)) if len(losses) else 0.0
        above = above_frequencies(losses, self.y, own)
        return SplitOutcome(loss, tuple(tuple(row) for row in confusion.tolist()), above)


def together(*splits: Split) -> Split:
    """Several splits as one, whose examples all count alike."""
    x = features.joined([split.x for split in splits])
    return Split(x, np.concatenate([split.y for split in splits]))


def _score_and_answers(
    spec: NetworkSpec, loss: str, best: Network, blocks: tuple[Block, ...]
) -> tuple[engine.Score, _Answers, Float[Array, "examples outputs"]]:
    """The first block's score, and the answers and outputs on all blocks' examples.

    The first goes through the network alone: in another batch its logits could round differently.
    The others go together: tracing the network once more costs more than the pass.
    """
    scored = inference.logits(spec, best, blocks[0].x)
    others = examples.joined([block.x for block in blocks[1:]])
    outputs = jnp.concatenate([scored, inference.logits(spec, best, others)])
    losses = TASKS[loss].losses(outputs, jnp.concatenate([block.y for block in blocks]))
    answers = _Answers(losses, jnp.argmax(outputs, axis=1))
    return engine.score(loss, scored, blocks[0]), answers, outputs


def simple_models(train: Split, held_out: Split, classes: int) -> Reference | None:
    """What ridge regression and nearest neighbours reach; None where all features are constant.

    Where examples have weights, the models are fitted by them as the network is, and answers count
    as their classes do in the loss.
    """
    fit = sample(train, TRAIN_SAMPLE)
    asked = sample(held_out, HELD_OUT_SAMPLE)
    pair = standardised_pair(fit, asked)
    if pair is None:
        return None
    scaled, new = pair
    known = Fitted(scaled, np.eye(classes)[fit.y], relative(fit.weights, len(fit)))
    counted = train.class_weights(classes)
    right = []
    for outputs in (ridge(known, new), neighbours(known, new)):
        answers = outputs.argmax(axis=1)
        counts = np.zeros((classes, 2), np.int64)  # of each class, wrong and right answers
        np.add.at(counts, (asked.y, (answers == asked.y).astype(np.intp)), 1)
        if counted is not None:
            counts = weighed(counts, counted)
        right.append(counts)
    return Reference(int(right[0].sum()), *(int(counts[:, 1].sum()) for counts in right))


def sample(split: Split, count: int) -> Split:
    """At most so many examples, evenly spread."""
    return split.take(slice(None, None, _stride(split, count)))


def _stride(split: Split, count: int) -> int:
    """Of so many examples one is taken, so that at most `count` are."""
    return max(1, -(-len(split) // count))
