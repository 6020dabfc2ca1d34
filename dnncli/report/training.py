"""`train` for people: a line an epoch as it happens, then the result."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from dnncli.diagnosis.remedy import flags
from dnncli.records import DataRecord, EpochRecord, Score, Seconds, TrainRecord
from dnncli.records.folds import FinalRecord
from dnncli.report import gradients, numbers, scores, text, verification
from dnncli.report.merit import ACCURACY, R2, Merit, merit
from dnncli.spec import presets
from dnncli.theory import Prediction

EPOCH_COLUMNS = (
    "epoch",
    "train_loss",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "clipped_fraction",
    "seconds",
    "train_accuracy",
)
STOPPED = {
    "epochs": "all epochs done",
    "patience": "no improvement any more",
    "diverged": "training diverged",
    "condition": "a --stop-on condition was met",
    "signal": "stopped by a signal",
}


def epoch_rows(epochs: Sequence[EpochRecord]) -> list[list[object]]:
    """The epoch table for CSV: a header and a row an epoch.

    A regression's metrics follow, as `val_r2`.
    """
    own = text.rows(EPOCH_COLUMNS, epochs)
    names = [name for name in epochs[0].metrics if name != "accuracy"] if epochs else []
    added: list[list[object]] = [[f"val_{name}" for name in names]]
    for epoch in epochs:
        added.append([epoch.metrics[name] for name in names])
    return [[*first, *more] for first, more in zip(own, added, strict=True)]


LOSSES = {
    "squared": "squared error, standardised",
    "absolute": "absolute error, standardised",
    "huber": "Huber's loss, standardised",
}


def sizes(data: DataRecord, hidden: Sequence[int]) -> str:
    """Features, layer sizes and classes: 64–300–100–10."""
    return "–".join(text.sizes([data.features, *hidden, data.outputs]))


def loss_unit(config: Mapping[str, Any]) -> str:
    """What an axis of a run's loss is labelled."""
    return LOSSES.get(str(config.get("loss", "")), "cross-entropy (nats)")


def opening(config: dict[str, Any], data: DataRecord, parameters: int) -> Iterator[RenderableType]:
    """What is about to be trained on what."""
    layers = " → ".join(text.sizes([data.features, *config["hidden"], data.outputs]))
    parts = [f"{config['act']}, {config['init']} initialisation"]
    if config["scale"] == "tabular":
        parts.append(f"{data.scaling} scaling")
    if config["bn"] or config["bn_output"]:
        parts.append("batch norm")
    if config["dropout"]:
        parts.append(f"dropout {config['dropout']:g}")
    if (members := config.get("ensemble", 1)) > 1:  # left out where it is one
        parts.append(f"an ensemble of {members}")
    if precision := config.get("precision"):  # left out where it is float32
        parts.append(f"products in {precision}")
    yield Text(f"{layers}  ({text.count(parameters)} parameters), {', '.join(parts)}", style="bold")
    train, validation, test = text.splits(data)
    counts = f"{train} train, {validation} validation, {test} test"
    rate = f"{config['optimizer']}, learning rate {config['lr']:g}, {text.batches(config, data)}"
    yield Text(f"{data.name}: {counts}; {rate}")
    if own := presets.still_set(config):
        yield Text(f"--preset {config['preset']} sets {flags(own)}")


def forecast(prediction: Prediction, depth: int, chosen: str | None) -> Iterator[Text]:
    """Theory in a line before the first step; chosen: what a critical initialisation took."""
    if chosen:
        yield Text(chosen)
    if prediction.delta_ratio is None:
        yield Text(f"theory: no prediction ({prediction.reason})")
        return
    line = Text("theory: δ ratio ").append(_ratio(prediction), style="bold")
    if prediction.trainable_depth and depth > 1:
        low, high = prediction.trainable_depth
        reach = text.span(low, high)
        span = f"{reach} depth" if reach == "any" else f"a depth of {reach}"
        line.append(f", χ {prediction.chi:.3g}: trains to {span}, this network has {depth}")
    if prediction.float32:
        line.append(f"; {prediction.float32}")
    yield line


def _ratio(prediction: Prediction) -> str:
    """A predicted ratio in general notation, by its logarithm where float64 has lost it."""
    ratio = prediction.delta_ratio
    if ratio is not None and 0 < ratio < math.inf:
        return f"{ratio:.2g}"
    return f"1e{prediction.log10_delta_ratio:.0f}"


def first_step(record: TrainRecord) -> Iterator[Text]:
    """Prediction and measurement side by side."""
    prediction = record.prediction
    if prediction is None or prediction.band is None or len(record.initial) < 3:
        return
    first = record.initial[0].delta_rms
    last = record.initial[-2].delta_rms
    measured = f"{first / last:.2g}" if last else "nothing left"
    low, high = prediction.band
    yield Text.assemble(
        "at the first step: δ ratio ",
        (measured, "bold"),
        f" measured, {_ratio(prediction)} predicted"
        f" ({low:.2g} to {high:.2g} in 95 % of networks this wide)",
    )


def epoch_header(data: DataRecord | None = None) -> Text:
    """The head of the epoch table, to stand above `epoch_line`s."""
    shown = ACCURACY if data is None else merit(data)
    columns = ["epoch", "train loss"]
    if shown is ACCURACY:
        columns.append(f"train {shown.short}")
    columns += [f"{'val loss':>8}", f"{f'val {shown.short}':<8}", f"{'rate':>8}"]
    return Text(f"{'  '.join(columns)} {'time':>6}", style="bold")


def epoch_line(record: EpochRecord, best: bool) -> Text:
    """One epoch; a star where it is the best so far."""
    train_loss = text.loss(record.train_loss)
    val_loss = text.loss(record.val_loss)
    style = "bold" if best else ""
    line = Text(f"{record.epoch:5d}  {train_loss:>10}")
    if record.val_accuracy is not None:
        line.append(f"  {_share(record.train_accuracy):>10}")
    line.append(f"  {val_loss:>8}")
    shown = merit_of(record).shown(record.merit)
    line.append(f"  {shown:>8}", style=style)
    line.append(f"  {record.learning_rate:8.3g} {text.seconds(record.seconds):>6}")
    for name in class_monitors(record):
        line.append(f"  {scores.label(name)} {scores.figure(name, record.metrics[name])}")
    if record.clipped_fraction:
        line.append(f"  clip {text.percent(record.clipped_fraction)}")
    if best:
        line.append(" *")
    return line


def _share(accuracy: float | None) -> str:
    """A training accuracy; a dash where an earlier version has not measured it."""
    return "-" if accuracy is None else ACCURACY.shown(accuracy)


def class_monitors(record: EpochRecord) -> list[str]:
    """The metrics of a classifier's epoch besides accuracy: what is monitored."""
    if record.val_accuracy is None:
        return []
    return [name for name in record.metrics if name != "accuracy"]


def merit_of(record: EpochRecord) -> Merit:
    """The metric that ranks an epoch's run."""
    return R2 if record.val_accuracy is None else ACCURACY


def closing(record: TrainRecord, all_layers: bool = False) -> Iterator[RenderableType]:
    """The test result, the gradient report of the best epoch, the verdict and the checkpoint."""
    last = len(record.epochs) and record.epochs[-1].epoch
    yield Text(
        f"stopped after epoch {last} ({STOPPED[record.stopped]}); best epoch: {record.best_epoch}"
    )
    if record.test:
        yield from test_scores(record, record.test)
    if record.folds:
        yield Text()
        yield scores.folds_table(record.folds, record.headline, record.positive)
    if record.final:
        yield Text()
        yield from final_lines(record.final)
    if record.epochs:
        shown = record.epochs[-1]
        yield Text()
        title = f"Gradients in epoch {shown.epoch}"
        yield gradients.gradient_table(shown.layers, title, every=all_layers)
        yield Text()
    yield from first_step(record)
    layers = record.epochs[-1].layers if record.epochs else ()
    yield from gradients.learned_line(record.health.learned)
    yield from gradients.verdict_lines(record.health, layers)
    if record.checkpoint:
        yield saved(record.checkpoint, record.seconds)
    if record.verification:
        yield from verification.report(record.verification)


def final_lines(final: FinalRecord) -> Iterator[Text]:
    """What network --final has kept, and which scores are not its own."""
    epochs = "1 epoch" if final.epochs == 1 else f"{final.epochs} epochs"
    yield Text.assemble(
        ("kept: a network trained on all ", "bold"),
        (f"{text.count(final.examples)} rows", "bold"),
        f" for {epochs}, the median of the folds' best",
        f" (training loss {text.loss(final.train_loss)})",
    )
    yield Text(
        "no row is held out from it: expect the folds' scores of it; all else here is of the"
        " network before it"
    )


def test_scores(record: TrainRecord, test: Score) -> Iterator[RenderableType]:
    """The test set's headline with its interval and baseline; of a regression every score."""
    about = f", loss {text.loss(test.loss)}  ({text.count(record.data.test)} examples, best epoch)"
    if record.data.targets:
        yield Text.assemble("test ", (numbers.headline(test.metrics), "bold green"), about)
        yield Text()
        yield numbers.table(test.metrics, "Test scores")
        return
    first = scores.first(test.metrics, record.headline)
    yield Text.assemble("test ", (first, "bold green"), about)
    yield Text(scores.beside(test.metrics, record.headline) + "; `dnncli eval` has every score")
    yield from scores.reason(test.metrics, record.headline)
    yield from scores.calibrated(record.calibration)
    yield from scores.decision(record.threshold, record.positive)


def saved(checkpoint: str, seconds: Seconds) -> Text:
    """Where the network is, and how long it took."""
    total = text.seconds(seconds.total)
    compiling = text.seconds(seconds.compile)
    return Text(f"saved {checkpoint}  ({total} in all, {compiling} compiling)")
