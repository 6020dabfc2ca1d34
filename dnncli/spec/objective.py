"""What is minimised: tasks and losses, and which of them go together."""

from dataclasses import dataclass

from dnncli.errors import SpecError
from dnncli.spec.catalog import Entry

CLASSIFICATION = "classification"
REGRESSION = "regression"
AUTO = "auto"


@dataclass(frozen=True)
class Loss(Entry):
    """A loss, and the task that it is for; empty: for any."""

    task: str = ""


TASKS = {
    entry.name: entry
    for entry in (
        Entry(AUTO, "found from the target: numbers with many values are a regression"),
        Entry(CLASSIFICATION, "the target's values are classes"),
        Entry(REGRESSION, "the target's values are numbers"),
    )
}
LOSSES = {
    entry.name: entry
    for entry in (
        Loss(AUTO, "cross-entropy for classes, squared for numbers"),
        Loss("cross-entropy", "-ln of the class's probability", task=CLASSIFICATION),
        Loss("squared", "the squared error", task=REGRESSION),
        Loss("absolute", "the absolute error: outliers pull no harder", task=REGRESSION),
        Loss(
            "huber",
            "squared up to one standard deviation of the target, absolute beyond",
            "Huber 1964",
            task=REGRESSION,
        ),
    )
}
# Where Huber's loss turns from squares to magnitudes, in standard deviations of the target.
HUBER_DELTA = 1.0
DEFAULTS = {AUTO: "cross-entropy", CLASSIFICATION: "cross-entropy", REGRESSION: "squared"}


def default(task: str, asked: str) -> str:
    """The loss asked for; for auto the task's own, where auto stands for classification."""
    return DEFAULTS[task] if asked == AUTO else asked


def check(task: str, asked: str) -> None:
    """Raise SpecError for a loss that is another task's."""
    if task == AUTO:
        return
    fitting = LOSSES[asked].task
    if fitting not in ("", task):
        own = " or ".join(name for name, entry in LOSSES.items() if entry.task == task)
        raise SpecError(
            f"--loss {asked}: it is for {fitting}, and this is a {task}; use {own}, or"
            f" --task {fitting}.",
            option="--loss",
        )
