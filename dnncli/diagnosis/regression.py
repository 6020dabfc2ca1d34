"""Whether a network that predicts numbers has learned, against the mean and simple models."""

import math

from dnncli.diagnosis.context import NetworkContext
from dnncli.errors import SpecError
from dnncli.records import Learned
from dnncli.records.diagnosis import RegressionOutcome

# Standard errors beyond which a difference is not chance: 1 % on one side, and on both.
ONE_SIDED = 2.33
TWO_SIDED = 2.58
# How much worse than a simple model's R² a network's must be to count as impaired, besides chance.
MARGIN = 0.05
# An R² that would be worth having: where the interval ends below it, nothing was learned.
WORTHWHILE = 0.1


def learned(outcome: RegressionOutcome) -> Learned:
    """What the best network's answers are worth, against the mean and simple models."""
    return Learned(
        _verdict(outcome),
        r2=outcome.held_out.r2,
        train_r2=outcome.train.r2,
        linear_r2=outcome.linear,
    )


def _verdict(outcome: RegressionOutcome) -> str:
    held_out = outcome.held_out
    below = _below_simple(outcome)
    if held_out.above_mean > ONE_SIDED:
        return "weakly" if below else "learned"
    if not held_out.examples or (_highest(outcome) > WORTHWHILE and not below):
        return "unknown"
    return "memorised" if outcome.train.above_mean > ONE_SIDED else "nothing"


def _below_simple(outcome: RegressionOutcome) -> bool:
    """Whether a linear model or nearest neighbours do better, beyond chance and by MARGIN."""
    simple = outcome.simple
    if simple is None or outcome.held_out.r2 + MARGIN > simple:
        return False
    return outcome.below_simple > TWO_SIDED


def _highest(outcome: RegressionOutcome) -> float:
    """The end of a 95 % interval of R², from how surely it is above the mean's, which is 0."""
    held_out = outcome.held_out
    if not math.isfinite(held_out.above_mean) or held_out.above_mean == 0:
        return held_out.r2
    return held_out.r2 + 1.96 * abs(held_out.r2 / held_out.above_mean)


def output_variance(context: NetworkContext) -> float:
    """How much an untrained network's outputs vary, by theory; 0 where it has no answer."""
    try:
        layers = context.predict().layers
    except SpecError:
        return 0.0
    return layers[-1].q if layers else 0.0


def simple_models_learn(outcome: RegressionOutcome) -> bool:
    """Whether a linear model or nearest neighbours beat the mean."""
    return outcome.simple_above_mean > ONE_SIDED
