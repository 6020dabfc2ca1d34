"""How the best network predicts numbers on every example, and what simple models reach."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from dnncli.data import Dataset, Split
from dnncli.nn import inference, tasks
from dnncli.nn.network import Network
from dnncli.records import Metric, Score
from dnncli.records.diagnosis import Fit, RegressionOutcome
from dnncli.spec import NetworkSpec
from dnncli.training import engine, epoch_record, packing, placement, traced_programs
from dnncli.training.certainty import standard_errors
from dnncli.training.outcome import (
    EXAMPLES,
    HELD_OUT_SAMPLE,
    TRAIN_SAMPLE,
    Measured,
    sample,
    together,
)
from dnncli.training.program import Block
from dnncli.training.simple_models import Fitted, neighbours, relative, ridge, standardised_pair
from dnncli.training.snapshot import Snapshot

Numbers = Float64[np.ndarray, "rows outputs"]
Squares = Float64[np.ndarray, " rows"]


class _Answers(NamedTuple):
    """A network's outputs for some examples, and their mean loss."""

    outputs: Numbers
    loss: float


def measure(snapshot: Snapshot, dataset: Dataset) -> Measured:
    """The test score, and R² on training and held-out examples beside the mean and simple models.

    Dropout does not act. The held-out examples are validation and test together; of large splits an
    evenly spread sample counts.
    """
    half = EXAMPLES // 2
    splits = (dataset.test, sample(dataset.train, EXAMPLES), sample(dataset.validation, half))
    blocks = tuple(placement.block(split) for split in splits)
    loss = snapshot.spec.loss
    statics = (snapshot.spec.network, loss)
    asked = (packing.packed_network(snapshot.network), blocks)
    program = traced_programs.compiled(_score_and_outputs, statics, *asked)
    score, outputs = placement.fetch(program(*asked))
    parts = [np.asarray(part) for part in outputs]
    on_test = parts[0]
    held_out = together(splits[2], sample(dataset.test, half))
    on_held_out = np.concatenate([parts[2], sample(Split(on_test, on_test), half).x])
    answers = _answers(loss, held_out, on_held_out)
    fits = (_fit(splits[1], _answers(loss, splits[1], parts[1])), _fit(held_out, answers))
    found = _beside_simple(RegressionOutcome(*fits), dataset.train, held_out, answers.outputs)
    metrics = epoch_record.in_units(score, dataset.quantities)
    named = {name: Metric(value) for name, value in metrics.items()}
    return Measured(Score(float(score.loss), None, named), found, on_test)


def _score_and_outputs(
    spec: NetworkSpec, loss: str, best: Network, blocks: tuple[Block, ...]
) -> tuple[engine.Score, tuple[Float[Array, "examples outputs"], ...]]:
    """The first block's score, and the outputs for every block."""
    outputs = tuple(inference.logits(spec, best, block.x) for block in blocks)
    return engine.score(loss, outputs[0], blocks[0]), outputs


def _answers(loss: str, split: Split, outputs: Float32[np.ndarray, "examples outputs"]) -> _Answers:
    """Outputs in float64, and their mean loss."""
    losses = tasks.TASKS[loss].losses(jnp.asarray(outputs), jnp.asarray(split.y))
    mean = float(np.asarray(losses, np.float64).mean())
    return _Answers(outputs.astype(np.float64), mean)


def _fit(split: Split, answers: _Answers) -> Fit:
    """How well a split's standardised targets are predicted."""
    y = split.y.astype(np.float64)
    errors = _squares(y, answers.outputs)
    # Standardised targets have mean 0 over the training examples: that is the mean's answer.
    above = standard_errors(_squares(y, np.zeros_like(y)) - errors)
    return Fit(len(y), answers.loss, r2(y, answers.outputs), above)


def _squares(y: Numbers, outputs: Numbers) -> Squares:
    """Each example's squared error, a mean over the targets."""
    return np.square(y - outputs).mean(axis=1)


def r2(y: Numbers, outputs: Numbers) -> float:
    """R², a mean over the targets; 0 for one that does not vary."""
    errors = np.square(y - outputs).sum(axis=0)
    spread = np.square(y - y.mean(axis=0)).sum(axis=0)
    varies = spread > 0
    shares = np.where(varies, 1 - errors / np.where(varies, spread, 1.0), 0.0)
    return float(shares.mean())


def _beside_simple(
    found: RegressionOutcome, train: Split, held_out: Split, outputs: Numbers
) -> RegressionOutcome:
    """The outcome with what ridge regression and nearest neighbours reach on a sample.

    Where examples have weights, the models are fitted by them as the network is; R² counts all
    alike, the network's too.
    """
    fit = sample(train, TRAIN_SAMPLE)
    asked = sample(held_out, HELD_OUT_SAMPLE)
    pair = standardised_pair(fit, asked)
    if pair is None:
        return found
    known = Fitted(pair[0], fit.y.astype(np.float64), relative(fit.weights, len(fit)))
    y = asked.y.astype(np.float64)
    models = (ridge(known, pair[1]), neighbours(known, pair[1]))
    linear = r2(y, models[0])
    nearest = r2(y, models[1])
    better = _squares(y, models[int(nearest > linear)])
    own = sample(Split(held_out.x, outputs.astype(np.float32)), HELD_OUT_SAMPLE).y
    return RegressionOutcome(
        found.train,
        found.held_out,
        linear,
        nearest,
        below_simple=standard_errors(_squares(y, own.astype(np.float64)) - better),
        simple_above_mean=standard_errors(_squares(y, np.zeros_like(y)) - better),
    )
