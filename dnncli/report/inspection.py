"""`inspect` for people: layers and tensors by name, history as curves, and a run's last steps."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import EpochRecord, InspectRecord, OriginRecord, StepRecord
from dnncli.report import text

WIDEST_SPARK = 60


def tensor_rows(record: InspectRecord) -> list[list[object]]:
    """Every tensor for CSV."""
    rows: list[list[object]] = [["layer", "tensor", "shape", "norm"]]
    for layer in record.layers:
        rows += [[layer.layer, t.name, "x".join(map(str, t.shape)), t.norm] for t in layer.tensors]
    return rows


def report(record: InspectRecord, history: bool, steps: bool) -> Iterator[RenderableType]:
    """What the file is, its layers, and what else is asked for."""
    yield from _heading(record)
    yield tensor_table(record)
    if history:
        yield from history_lines(record.history)
    if steps:
        yield from step_tables(record.steps)


def _heading(record: InspectRecord) -> Iterator[Text]:
    parameters = f"{text.count(record.parameters)} parameters"
    yield Text.assemble((record.checkpoint, "bold"), f": {record.format}, {parameters}")
    if record.format == "dnncli":
        config, data = record.config, record.data
        yield Text(
            f"{config['act']}, {config['init']} initialisation, {config['optimizer']} {config['lr']:g},"
            f" batches of {config['batch_size']}, seed {config['seed']}"
        )
        yield Text(
            f"{record.epoch} epochs, best {record.best_epoch}; trained on {data.name} ({_classes(record)})"
        )
        yield Text(
            f"data {data.fingerprint[:16]}…; " + ", ".join(f"{k} {v}" for k, v in record.versions.items())
        )
    origin = record.origin
    while origin is not None:
        yield Text(_origin(origin))
        origin = origin.parent.origin


def _origin(origin: OriginRecord) -> str:
    """Where layers came from; for a second transfer a line for each parent."""
    parent = origin.parent
    parts = [f"layers of {parent.path} (SHA-256 {parent.sha256[:16]}…): kept {', '.join(origin.kept)}"]
    parts += [f"drawn anew {', '.join(origin.reinitialised)}"] if origin.reinitialised else []
    parts += [f"frozen {', '.join(origin.frozen)}"] if origin.frozen else []
    return "; ".join(parts)


def _classes(record: InspectRecord) -> str:
    names = record.class_names
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"{text.count(record.data.train)} examples of {shown}"


def tensor_table(record: InspectRecord) -> Table:
    """Every layer and tensor by name: these are the names that `transfer` takes."""
    table = Table(**text.TABLE)
    table.add_column("layer", no_wrap=True)
    table.add_column("tensor", no_wrap=True)
    table.add_column("shape", justify="right", no_wrap=True)
    table.add_column("norm", justify="right", no_wrap=True)
    table.add_column("is")
    for layer in record.layers:
        for index, tensor in enumerate(layer.tensors):
            about = "; ".join([layer.description, *layer.source]) if index == 0 else ""
            shape = " × ".join(map(str, tensor.shape))
            name = tensor.name.removeprefix(layer.layer + ".")
            table.add_row(layer.layer if index == 0 else "", name, shape, f"{tensor.norm:.4g}", about)
    return table


def history_lines(history: Sequence[EpochRecord]) -> Iterator[Text]:
    """Losses and accuracy over the epochs as curves of one line each."""
    if not history:
        yield Text("no epochs yet")
        return
    for name in ("train_loss", "val_loss", "val_accuracy"):
        values = [getattr(epoch, name) for epoch in history]
        ends = f"{text.loss(values[0])} → {text.loss(values[-1])}"
        yield Text(f"{name:12} {sparkline(values)}  {ends}")


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line, from its lowest to its highest; of long ones an even selection."""
    if len(values) > WIDEST_SPARK:
        step = (len(values) - 1) / (WIDEST_SPARK - 1)
        values = [values[round(i * step)] for i in range(WIDEST_SPARK)]
    low, high = min(values), max(values)
    return text.sparkline([(value - low) / ((high - low) or 1.0) for value in values])


def step_tables(steps: Sequence[StepRecord]) -> Iterator[RenderableType]:
    """The last steps before a run broke: loss, and each layer's update and delta."""
    if not steps:
        yield Text("no steps recorded: the run neither diverged nor met a --stop-on condition")
        return
    names = [layer.layer for layer in steps[-1].layers]
    for title, field in (("δ", "delta_rms"), ("step over weights", "update_ratio")):
        table = Table(title=f"{title} in the last steps", **text.TABLE)
        for column in ("epoch", "step", "loss", *names):
            table.add_column(column, justify="right", no_wrap=True)
        for step in steps:
            figures = [text.scientific(getattr(layer, field)) for layer in step.layers]
            table.add_row(str(step.epoch), str(step.step), text.loss(step.loss), *figures)
        yield table
