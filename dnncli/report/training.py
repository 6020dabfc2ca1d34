"""`train` for people: a line an epoch as it happens, then the result."""

from collections.abc import Iterator, Sequence

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
STOPPED = {
    "epochs": "all epochs done",
    "patience": "no improvement any more",
    "diverged": "training diverged",
    "signal": "stopped by a signal",
}


def epoch_rows(epochs: Sequence[EpochRecord]) -> list[list[object]]:
    """The epoch table for CSV: a header and a row an epoch."""
    return [list(EPOCH_COLUMNS), *([getattr(epoch, name) for name in EPOCH_COLUMNS] for epoch in epochs)]


def opening(config: dict[str, object], data: DataRecord, parameters: int) -> Iterator[RenderableType]:
    """What is about to be trained on what."""
    layers = " → ".join(str(size) for size in (data.features, *config["hidden"], data.classes))  # type: ignore[misc]
    parts = [f"{config['act']}, {config['init']} initialisation"]
    parts += ["batch norm"] if config["bn"] or config["bn_output"] else []
    parts += [f"dropout {config['dropout']:g}"] if config["dropout"] else []
    yield Text(f"{layers}  ({text.count(parameters)} parameters), {', '.join(parts)}", style="bold")
    sizes = (data.train, data.validation, data.test)
    train, validation, test = (text.count(size) for size in sizes)
    counts = f"{train} train, {validation} validation, {test} test"
    rate = f"{config['optimizer']}, learning rate {config['lr']:g}, batches of {config['batch_size']}"
    yield Text(f"{data.name}: {counts}; {rate}")


def epoch_header() -> Text:
    """The head of the epoch table, to stand above `epoch_line`s."""
    return Text("epoch  train loss   val loss  val acc.   learning rate    time", style="bold")


def epoch_line(record: EpochRecord, best: bool) -> Text:
    """One epoch; a star where it is the best so far."""
    clipped = f"  clipped {text.percent(record.clipped_fraction)}" if record.clipped_fraction else ""
    line = Text(f"{record.epoch:5d}  {record.train_loss:10.4f} {record.val_loss:10.4f}")
    line.append(f"  {100 * record.val_accuracy:6.2f} %", style="bold" if best else "")
    line.append(f"  {record.learning_rate:14.3g} {text.seconds(record.seconds):>7}{clipped}")
    return line.append(" *" if best else "")


def closing(record: TrainRecord) -> Iterator[RenderableType]:
    """The test result, the gradient report of the best epoch, the verdict and the checkpoint."""
    last = len(record.epochs) and record.epochs[-1].epoch
    yield Text(f"stopped after epoch {last} ({STOPPED[record.stopped]}); best epoch: {record.best_epoch}")
    if record.test:
        yield Text.assemble(
            "test accuracy ",
            (f"{100 * record.test.accuracy:.2f} %", "bold green"),
            f", loss {record.test.loss:.4f}  ({text.count(record.data.test)} examples, best epoch)",
        )
    if record.epochs:
        shown = record.epochs[-1]
        yield gradients.gradient_table(shown.layers, f"Gradients in epoch {shown.epoch}")
    yield from gradients.verdict_lines(record.health)
    if record.checkpoint:
        took = (
            f"{text.seconds(record.seconds.total)} in all, {text.seconds(record.seconds.compile)} compiling"
        )
        yield Text(f"saved {record.checkpoint}  ({took})")
