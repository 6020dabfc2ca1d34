"""Learning rates over a run, one a step, in NumPy.

They enter the compiled epoch as data, so that one program serves every rate and schedule. The
formulas are Optax's (`exponential_decay`, `cosine_decay_schedule`, `cosine_onecycle_schedule`); its
own functions run on JAX and would compile a program before the first step. A test holds the two
equal.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64

from dnncli.spec import ScheduleSpec

Steps = Float64[np.ndarray, " steps"]
Course = Callable[[ScheduleSpec, Steps, int], Steps]

RISE = 0.3  # share of a one-cycle run spent rising
FIRST_DIVISOR = 25.0  # a one-cycle run starts at lr / 25 …
LAST_DIVISOR = 1e4  # … and ends at that / 10,000 (Smith & Topin 2018, as in Optax)


def learning_rates(
    spec: ScheduleSpec, epoch: int, steps_per_epoch: int
) -> Float32[np.ndarray, " steps"]:
    """The learning rate of each step of an epoch (counted from 0).

    Rates do not depend on earlier epochs' results, so a resumed run has the same ones.
    """
    assert spec.lr is not None
    steps = np.arange(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch, dtype=np.float64)
    course = SCHEDULES[spec.schedule](spec, steps, spec.epochs * steps_per_epoch)
    return (spec.lr * course * _warmup(spec, steps, steps_per_epoch)).astype(np.float32)


def _warmup(spec: ScheduleSpec, steps: Steps, steps_per_epoch: int) -> Steps:
    """A linear rise over the first `warmup` epochs; the first step already moves."""
    rising = max(1.0, spec.warmup * steps_per_epoch)
    return np.minimum(1.0, (steps + 1) / rising)


def exponential(spec: ScheduleSpec, steps: Steps, total: int) -> Steps:
    """decay_rate ** (step / decay_steps)."""
    assert spec.decay_rate is not None
    return spec.decay_rate ** (steps / (spec.decay_steps or total))


def _descent(fraction: Steps, start: float, end: float) -> Steps:
    """Half a cosine from start to end as the fraction goes from 0 to 1."""
    return end + (start - end) * (1 + np.cos(np.pi * np.clip(fraction, 0, 1))) / 2


def cosine(spec: ScheduleSpec, steps: Steps, total: int) -> Steps:
    """Half a cosine from 1 to 0."""
    return _descent(steps / total, 1.0, 0.0)


def one_cycle(spec: ScheduleSpec, steps: Steps, total: int) -> Steps:
    """A cosine rise from 1/25 to 1 and a cosine fall to 1/250,000."""
    peak = int(RISE * total)
    first = 1 / FIRST_DIVISOR
    last = 1 / (FIRST_DIVISOR * LAST_DIVISOR)
    rise = _descent(steps / max(peak, 1), first, 1.0)
    fall = _descent((steps - peak) / max(total - peak, 1), 1.0, last)
    return np.where(steps < peak, rise, fall)


SCHEDULES: dict[str, Course] = {
    "constant": lambda spec, steps, total: np.ones_like(steps),
    "exponential": exponential,
    "cosine": cosine,
    "one-cycle": one_cycle,
}
