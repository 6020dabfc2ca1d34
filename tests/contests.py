"""Results of comparisons made up by hand, for the tests of standings and reports."""

from dnncli.experiments.comparison import table
from dnncli.records import (
    ComparisonRecord,
    DataRecord,
    RowRecord,
    Seconds,
    SeedRecord,
    Speed,
    TrialRecord,
)
from dnncli.theory import Prediction

DATA = DataRecord("digits", 1297, 200, 300, 64, 10, "0" * 64)
CONFIG = {
    "hidden": [300, 100],
    "bn": False,
    "bn_output": False,
    "dropout": 0.0,
    "optimizer": "adam",
    "batch_size": 64,
    "seed": 0,
    "seeds": 5,
}


LEARNED = {
    "stopped": "epochs",
    "best_epoch": 3,
    "verdict": "healthy",
    "train_accuracy": 1.0,
    "initial_delta_ratio": 0.5,
    "best_delta_ratio": 1.5,
    "dead_fraction": 0.1,
    "saturated_fraction": 0.2,
    "activation_mean": 0.3,
    "train_losses": (0.9, 0.5, 0.2),
    "val_losses": (1.0, 0.6, 0.4),
    "initial_delta": (0.01, 0.02, 0.3),
    "best_delta": (0.003, 0.002, 0.1),
}
DIVERGED = {
    "stopped": "diverged",
    "best_epoch": 0,
    "verdict": "diverged",
    "train_accuracy": None,
    "val_loss": None,
    "initial_delta_ratio": None,
    "best_delta_ratio": None,
    "dead_fraction": None,
    "saturated_fraction": None,
    "activation_mean": None,
    "train_losses": (),
    "val_losses": (),
    "val_accuracies": (),
    "initial_delta": (),
    "best_delta": (),
}


def seed(number, test, val=None, **changes):
    """A seed's run with these accuracies; None: it diverged."""
    val = test if val is None else val
    figures = {"seed": number, "val_accuracy": val, "test_accuracy": test}
    if test is None:
        figures |= DIVERGED
    else:
        figures |= LEARNED
        figures |= {"val_loss": 1 - val, "val_accuracies": (0.5, 0.8, val)}
    return SeedRecord(**figures | changes)


def trial(name, tests, vals=None, lr=0.001, first=0, **changes):
    """A combination whose seeds have these test accuracies, and `vals` in validation if given."""
    vals = vals or tests
    runs = tuple(
        seed(first + k, test, val, **changes)
        for k, (test, val) in enumerate(zip(tests, vals, strict=True))
    )
    return TrialRecord(name, name.split("/")[0], "he-normal", lr, runs, 2.0)


def rows(*trials, baseline=None):
    """The rows of such trials, compared."""
    theory = {t.name: Prediction(delta_ratio=0.58, band=(0.5, 0.7)) for t in trials}
    speeds = {t.name: Speed(0.0123, 1_234_567.0) for t in trials}
    found = table.rows(trials, theory, speeds)
    return table.compared(found, baseline or table.choose_baseline(found))


def record(*trials, baseline=None, finished=True, folder=None, **config):
    """A finished comparison of such trials."""
    found: tuple[RowRecord, ...] = rows(*trials, baseline=baseline)
    return ComparisonRecord(
        config={**CONFIG, "seeds": len(trials[0].runs), **config},
        data=DATA,
        rows=found,
        baseline=baseline or table.choose_baseline(found),
        baseline_chosen=baseline is None,
        test="scipy.stats.ttest_rel",
        correction="holm",
        note=table.note(found),
        finished=finished,
        folder=folder,
        seconds=Seconds(12.0, 5.0, 7.0),
    )
