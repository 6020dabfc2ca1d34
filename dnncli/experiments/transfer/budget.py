"""How long few examples are trained on: counted in steps, not in epochs.

The parent's epochs are of its own, many examples. Of few ones an epoch is a handful of steps, so
that the same number of epochs would end before a new layer has learned anything.
"""

from collections.abc import Mapping
from typing import Any

from dnncli.spec import RunSpec
from dnncli.training.plan import batch_size

# Steps at which runs on 50 to 500 digits at Adam's default rate had come to their best epoch; and
# how long the best one may lie back.
FEWEST_STEPS = 300
PATIENCE_STEPS = 60


def steps_per_epoch(run: RunSpec, examples: int) -> int:
    """Updates in an epoch."""
    return -(-examples // batch_size(run, examples))


def in_steps(run: RunSpec, given: Mapping[str, Any], examples: int) -> dict[str, Any]:
    """The epochs and the patience that few examples need, as options.

    Empty where the run's own are enough. run: the new task's, with all that is inherited. given:
    the options that stay as they are.
    """
    steps = steps_per_epoch(run, examples)
    epochs = -(-FEWEST_STEPS // steps)
    patience = -(-PATIENCE_STEPS // steps)
    needed: dict[str, Any] = {}
    if "epochs" not in given and run.schedule.epochs < epochs:
        needed["epochs"] = epochs
    own = run.stopping.patience
    if "patience" not in given and own is not None and own < patience:
        needed["patience"] = patience
    return needed


def short_of_steps(run: RunSpec, examples: int) -> str | None:
    """What to say of a run of very few steps; None where there are enough."""
    steps = steps_per_epoch(run, examples)
    epochs = run.schedule.epochs
    if epochs * steps >= FEWEST_STEPS:
        return None
    enough = -(-FEWEST_STEPS // steps)
    return (
        f"{epochs} epochs of {examples} examples are {epochs * steps} steps, in which a new layer"
        f" learns little; --epochs {enough} makes {enough * steps} steps."
    )
