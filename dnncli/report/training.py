"""`train` for people: a line an epoch as it happens, then the result."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from dnncli.records import DataRecord, EpochRecord, TrainRecord
from dnncli.report import gradients, text

EPOCH_COLUMNS = (
    "epoch",
    "train_loss",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "clipped_fraction",
    "seconds",
)
GUESSING = (
    3.0  # standard errors over chance that an accuracy must be to show that something was learned
)
STOPPED = {
    "epochs": "all epochs done",
    "patience": "no improvement any more",
    "diverged": "training diverged",
    "condition": "a --stop-on condition was met",
    "signal": "stopped by a signal",
}


def epoch_rows(epochs: Sequence[EpochRecord]) -> list[list[object]]:
    """The epoch table for CSV: a header and a row an epoch."""
    return [
        list(EPOCH_COLUMNS),
        *([getattr(epoch, name) for name in EPOCH_COLUMNS] for epoch in epochs),
    ]


def opening(
    config: dict[str, object], data: DataRecord, parameters: int
) -> Iterator[RenderableType]:
    """What is about to be trained on what."""
    layers = " → ".join(_sizes([data.features, *config["hidden"], data.classes]))  # type: ignore[misc]
    parts = [f"{config['act']}, {config['init']} initialisation"]
    parts += ["batch norm"] if config["bn"] or config["bn_output"] else []
    parts += [f"dropout {config['dropout']:g}"] if config["dropout"] else []
    yield Text(f"{layers}  ({text.count(parameters)} parameters), {', '.join(parts)}", style="bold")
    sizes = (data.train, data.validation, data.test)
    train, validation, test = (text.count(size) for size in sizes)
    counts = f"{train} train, {validation} validation, {test} test"
    rate = (
        f"{config['optimizer']}, learning rate {config['lr']:g}, batches of {config['batch_size']}"
    )
    yield Text(f"{data.name}: {counts}; {rate}")


def _sizes(sizes: Sequence[int]) -> Iterator[str]:
    """Layer sizes, runs of equal ones as 20×100."""
    for size, run in groupby(sizes):
        length = len(list(run))
        yield f"{length}×{size}" if length > 1 else str(size)


def forecast(prediction: Any, depth: int, chosen: str | None) -> Iterator[Text]:
    """Theory in a line before the first step; `prediction` is a `meanfield.Prediction`.

    `chosen` describes what a critical initialisation took.
    """
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
    yield line.append(f"; {prediction.float32}" if prediction.float32 else "")


def _ratio(prediction: Any) -> str:
    """A predicted ratio in general notation, by its logarithm where float64 has lost it."""
    if 0 < prediction.delta_ratio < math.inf:
        return f"{prediction.delta_ratio:.2g}"
    return f"1e{prediction.log10_delta_ratio:.0f}"


def first_step(record: TrainRecord) -> Iterator[Text]:
    """Prediction and measurement side by side."""
    prediction = record.prediction
    if prediction is None or prediction.band is None or len(record.initial) < 3:
        return
    first, last = record.initial[0].delta_rms, record.initial[-2].delta_rms
    measured = f"{first / last:.2g}" if last else "nothing left"
    low, high = prediction.band
    yield Text.assemble(
        "at the first step: δ ratio ",
        (measured, "bold"),
        f" measured, {_ratio(prediction)} predicted ({low:.2g} to {high:.2g} in 95 % of networks this wide)",
    )


def epoch_header() -> Text:
    """The head of the epoch table, to stand above `epoch_line`s."""
    return Text("epoch  train loss   val loss  val acc.   learning rate    time", style="bold")


def epoch_line(record: EpochRecord, best: bool) -> Text:
    """One epoch; a star where it is the best so far."""
    clipped = (
        f"  clipped {text.percent(record.clipped_fraction)}" if record.clipped_fraction else ""
    )
    line = Text(
        f"{record.epoch:5d}  {text.loss(record.train_loss):>10} {text.loss(record.val_loss):>10}"
    )
    line.append(f"  {100 * record.val_accuracy:6.2f} %", style="bold" if best else "")
    line.append(f"  {record.learning_rate:14.3g} {text.seconds(record.seconds):>7}{clipped}")
    return line.append(" *" if best else "")


def _still_guessing(record: TrainRecord) -> Iterator[Text]:
    """Gradients may flow well before anything is learned: say so where accuracy shows nothing yet."""
    chance, examples = 1 / record.data.classes, max(record.data.validation, 1)
    error = math.sqrt(chance * (1 - chance) / examples)
    if max(epoch.val_accuracy for epoch in record.epochs) < chance + GUESSING * error:
        advice = "more --epochs, or a larger --lr"
        yield Text(
            f"Yet accuracy is no better than guessing among {record.data.classes} classes: try {advice}."
        )


def closing(record: TrainRecord) -> Iterator[RenderableType]:
    """The test result, the gradient report of the best epoch, the verdict and the checkpoint."""
    last = len(record.epochs) and record.epochs[-1].epoch
    yield Text(
        f"stopped after epoch {last} ({STOPPED[record.stopped]}); best epoch: {record.best_epoch}"
    )
    if record.test:
        yield Text.assemble(
            "test accuracy ",
            (f"{100 * record.test.accuracy:.2f} %", "bold green"),
            f", loss {text.loss(record.test.loss)}  ({text.count(record.data.test)} examples, best epoch)",
        )
    if record.epochs:
        shown = record.epochs[-1]
        yield Text()
        yield gradients.gradient_table(shown.layers, f"Gradients in epoch {shown.epoch}")
        yield Text()
    yield from first_step(record)
    yield from gradients.verdict_lines(
        record.health, record.epochs[-1].layers if record.epochs else ()
    )
    if record.epochs and record.health.verdict == "healthy":
        yield from _still_guessing(record)
    if record.checkpoint:
        took = f"{text.seconds(record.seconds.total)} in all, {text.seconds(record.seconds.compile)} compiling"
        yield Text(f"saved {record.checkpoint}  ({took})")
