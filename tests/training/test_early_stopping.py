"""Which epoch is the best one, and when a run stops."""

from dataclasses import replace

import problems
import pytest

from dnncli.errors import SpecError
from dnncli.experiments import evaluate
from dnncli.records import EpochRecord
from dnncli.spec import StoppingSpec
from dnncli.spec.monitors import MONITORS
from dnncli.training import early_stopping, run
from dnncli.training.checkpointing import from_checkpoint, to_checkpoint

pytestmark = pytest.mark.usefixtures("quick_compilation")


def history(losses, accuracies=None):
    """Epochs with these validation figures."""
    accuracies = accuracies or [0.5] * len(losses)
    return [
        EpochRecord(i + 1, 0.1, loss, accuracy, 0.01, 0.0, None, ())
        for i, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True))
    ]


@pytest.mark.parametrize(
    ("losses", "settings", "best"),
    [
        ([3.0, 2.0, 1.0], {}, 3),
        ([3.0, 1.0, 2.0], {}, 2),
        ([1.0, 1.0, 1.0], {}, 1),
        ([1.0, 0.95, 0.85], {"min_delta": 0.1}, 3),
        ([1.0, 0.95, 0.91], {"min_delta": 0.1}, 1),
        ([], {}, 0),
    ],
)
def test_the_best_epoch_is_the_last_that_beat_the_best_before_it(losses, settings, best):
    assert early_stopping.best_epoch(history(losses), StoppingSpec(**settings)) == best


def test_accuracy_may_be_what_counts():
    epochs = history([1.0, 2.0, 3.0], [0.8, 0.9, 0.85])
    assert early_stopping.best_epoch(epochs, StoppingSpec(monitor="val-accuracy")) == 2


def test_a_run_stops_after_its_last_epoch_or_when_patience_is_over():
    run = problems.spec(epochs=20, patience=3)
    assert early_stopping.reason(run, 5, 3) is None
    assert early_stopping.reason(run, 6, 3) == "patience"
    assert early_stopping.reason(run, 20, 20) == "epochs"
    assert early_stopping.reason(problems.spec(epochs=20, patience=None), 19, 1) is None


def test_any_metric_may_be_what_counts_and_of_errors_less_is_better():
    def best(monitor, metrics):
        records = [
            EpochRecord(i + 1, 0.1, 1.0, None, 0.01, 0.0, None, (), one)
            for i, one in enumerate(metrics)
        ]
        return early_stopping.best_epoch(records, StoppingSpec(monitor=monitor))

    areas = [{"roc_auc": value, "accuracy": 1 - value} for value in (0.7, 0.9, 0.8)]
    assert best("val-auc", areas) == best("val-roc-auc", areas) == 2
    assert best("val-log-loss", [{"log_loss": value} for value in (0.7, 0.9, 0.6)]) == 3
    errors = [{"rmse": value, "r2": 1 - value} for value in (0.7, 0.3, 0.6)]
    assert best("val-rmse", errors) == best("val-r2", errors) == 2
    # Of several targets the mean of their errors counts.
    several = [{"mae_a": a, "mae_b": b, "r2": 0.5} for a, b in ((1.0, 5.0), (3.0, 2.0), (2.0, 4.0))]
    assert best("val-mae", several) == 2


def test_one_class_among_the_validation_examples_leaves_nothing_to_rank():
    data = problems.dataset()
    alike = replace(data, validation=replace(data.validation, y=data.validation.y * 0))
    with pytest.raises(SpecError, match="--monitor val-auc: all validation examples are of one"):
        run.start(problems.spec(monitor="val-auc"), alike)


@pytest.mark.parametrize(
    ("monitor", "task"), [("val-auc", "regression"), ("val-r2", "classification")]
)
def test_a_figure_of_the_other_task_is_refused(monitor, task):
    with pytest.raises(SpecError, match=f"--monitor {monitor}: it is for .* and this is a {task}"):
        problems.spec(monitor=monitor).resolved(task)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_what_is_monitored_is_measured_every_epoch_as_the_test_scores_are(metric):
    data = problems.dataset(validation=60)
    monitor = next(one.name for one in MONITORS.values() if one.metric == metric)
    steps = list(run.run(run.start(problems.spec(monitor=monitor, epochs=3), data), data))
    best = steps[-1].snapshot.history.best_epoch
    record = evaluate.evaluate(steps[-1].snapshot, data, ("validation",), "run.ckpt")
    scores = record.splits["validation"].metrics
    assert steps[best - 1].record.metrics[metric] == pytest.approx(scores[metric].value, rel=1e-5)
    stored = from_checkpoint(to_checkpoint(steps[-1].snapshot), "run.ckpt")
    assert [one.metrics for one in stored.history.epochs] == [one.record.metrics for one in steps]
