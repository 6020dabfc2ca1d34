"""What `--monitor` can name: the figure of the validation examples that must improve."""

from dataclasses import dataclass

from dnncli.errors import SpecError
from dnncli.spec.catalog import Entry
from dnncli.spec.objective import AUTO, CLASSIFICATION, REGRESSION


@dataclass(frozen=True)
class Monitor(Entry):
    """A figure by its metric's name in records; empty: the loss that is minimised, weights and all.

    task: the one that has it; empty: any. lower: whether less is better.
    """

    metric: str = ""
    task: str = ""
    lower: bool = False


MONITORS = {
    entry.name: entry
    for entry in (
        Monitor("val-loss", "validation loss, lower is better", lower=True),
        Monitor(
            "val-accuracy",
            "validation accuracy, higher is better",
            metric="accuracy",
            task=CLASSIFICATION,
        ),
        Monitor(
            "val-balanced-accuracy",
            "mean of the classes' recalls, higher is better",
            metric="balanced_accuracy",
            task=CLASSIFICATION,
        ),
        Monitor(
            "val-auc",
            "area under the ROC curve, higher is better",
            aliases=("val-roc-auc",),
            metric="roc_auc",
            task=CLASSIFICATION,
        ),
        Monitor(
            "val-pr-auc",
            "average precision, higher is better",
            metric="pr_auc",
            task=CLASSIFICATION,
        ),
        Monitor(
            "val-log-loss",
            "log loss without weights, lower is better",
            metric="log_loss",
            task=CLASSIFICATION,
            lower=True,
        ),
        Monitor(
            "val-brier",
            "Brier score, lower is better",
            metric="brier",
            task=CLASSIFICATION,
            lower=True,
        ),
        Monitor("val-r2", "R², higher is better", metric="r2", task=REGRESSION),
        Monitor(
            "val-rmse", "root of the mean squared error", metric="rmse", task=REGRESSION, lower=True
        ),
        Monitor("val-mae", "mean absolute error", metric="mae", task=REGRESSION, lower=True),
    )
}


def check(name: str, task: str) -> None:
    """Raise SpecError for a figure that the task has not; auto is not known yet."""
    wanted = MONITORS[name].task
    if wanted not in ("", task) and task != AUTO:
        own = [entry.name for entry in MONITORS.values() if entry.task in ("", task)]
        raise SpecError(
            f"--monitor {name}: it is for {wanted}, and this is a {task}; use {', '.join(own)}.",
            option="--monitor",
        )
