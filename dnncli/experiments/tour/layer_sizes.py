"""Variances forwards and backwards where layers have unequal sizes: Xavier's and He's formulas.

From one hidden layer to the next the outputs' mean square is multiplied by n_in Var(w) g, and
coming back down δ's by n_out Var(w) g, on average over weights; g is E[φ(z)²]/E[z²] = E[φ'(z)²], 1
for the identity and 1/2 for ReLU (Glorot & Bengio 2010, He et al. 2015).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dnncli.experiments.tour.figures import first_step, size
from dnncli.records import TrainRecord
from dnncli.records.observations.gradients import (
    HeKeepsForwards,
    UnequalLayers,
    XavierCompromises,
)
from dnncli.records.tour import Observation

GAIN = {"identity": 1.0, "relu": 0.5}  # g
STEP = 0.3  # a relative deviation from a formula that counts at one step
WHOLE = 1.5  # a factor from a formula that counts over all steps


@dataclass(frozen=True)
class Factors:
    """Of each step between hidden layers from the bottom up, measured and by formula."""

    forward: tuple[float, ...]
    forward_formula: tuple[float, ...]
    backward: tuple[float, ...]
    backward_formula: tuple[float, ...]

    def agree(self) -> bool:
        """Whether every factor is near its formula."""
        measured = (*self.forward, *self.backward)
        formulas = (*self.forward_formula, *self.backward_formula)
        return all(abs(a / b - 1) < STEP for a, b in zip(measured, formulas, strict=True))


def published(init: str, fan_in: int, fan_out: int) -> float:
    """The variance of weights: Xavier's 2/(n_in + n_out), or He's 2/n_in."""
    return 2 / (fan_in + fan_out) if init.startswith("xavier") else 2 / fan_in


def factors(run: TrainRecord) -> Factors:
    """The factors before the first step of a run."""
    *hidden, _ = first_step(run)
    squares = [size(layer) ** 2 for layer in hidden]
    deltas = [layer.delta_rms**2 for layer in hidden]
    steps = list(pairwise(run.config["hidden"]))
    init = run.config["init"]
    gains = [GAIN[run.config["act"]] * published(init, *step) for step in steps]
    return Factors(
        forward=tuple(after / before for before, after in pairwise(squares)),
        forward_formula=tuple(n * gain for (n, _), gain in zip(steps, gains, strict=True)),
        backward=tuple(below / above for below, above in pairwise(deltas)),
        backward_formula=tuple(m * gain for (_, m), gain in zip(steps, gains, strict=True)),
    )


def xavier(run: TrainRecord) -> Iterator[Observation]:
    """A linear network, the case that Xavier's formula was made for."""
    found = factors(run)
    yield _unequal(run, found)
    forward = math.prod(found.forward)
    backward = math.prod(found.backward)
    formula = math.prod(found.forward_formula)
    other = math.prod(found.backward_formula)
    near = _near(forward, formula) and _near(backward, other)
    shown = near and max(forward, backward) < 1
    yield XavierCompromises(shown, len(found.forward), forward, backward, formula)


def he(run: TrainRecord) -> Iterator[Observation]:
    """A ReLU network, the case that He's formula was made for."""
    found = factors(run)
    yield _unequal(run, found)
    backward = math.prod(found.backward)
    hidden = run.config["hidden"]
    formula = hidden[-1] / hidden[0]
    kept = all(abs(factor - 1) < STEP for factor in found.forward)
    yield HeKeepsForwards(
        kept and _near(backward, formula),
        forward_least=min(found.forward),
        forward_most=max(found.forward),
        backward_least=min(found.backward),
        backward_most=max(found.backward),
        backward=backward,
        formula=formula,
    )


def _unequal(run: TrainRecord, found: Factors) -> UnequalLayers:
    sizes: Sequence[int] = run.config["hidden"]
    return UnequalLayers(
        found.agree(),
        init=run.config["init"],
        act=run.config["act"],
        sizes=", ".join(map(str, sizes)),
        forward=found.forward,
        forward_formula=found.forward_formula,
        backward=found.backward,
        backward_formula=found.backward_formula,
    )


def _near(measured: float, formula: float) -> bool:
    return 1 / WHOLE < measured / formula < WHOLE
