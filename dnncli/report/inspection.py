"""`inspect` for people: layers and tensors by name, history as curves, and a run's last steps."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import DataRecord, EpochRecord, InspectRecord, OriginRecord, StepRecord
from dnncli.report import text

WIDEST_SPARK = 60
# How the parts of modules are called elsewhere (PyTorch, Keras), and what they are here.
MOMENTS = {
    "running_mean": "norm.mean",
    "running_var": "norm.variance",
    "moving_mean": "norm.mean",
    "moving_variance": "norm.variance",
}
SCALES = {
    "weight": "norm.scale",
    "gamma": "norm.scale",
    "bias": "norm.offset",
    "beta": "norm.offset",
}
NORM = MOMENTS | SCALES
LINEAR = {"weight": "kernel", "kernel": "kernel", "bias": "bias", "alpha": "slope"}


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
    data = record.data
    if data is not None:
        config = record.config
        yield Text(
            f"{config['act']}, {config['init']} initialisation, {config['optimizer']} {config['lr']:g},"
            f" batches of {config['batch_size']}, seed {config['seed']}"
        )
        examples = _classes(data, record.class_names)
        yield Text(
            f"{record.epoch} epochs, best {record.best_epoch}; trained on {data.name} ({examples})"
        )
        yield Text(
            f"data {data.fingerprint[:16]}…; "
            + ", ".join(f"{k} {v}" for k, v in record.versions.items())
        )
    origin = record.origin
    while origin is not None:
        yield Text(_origin(origin))
        origin = origin.parent.origin


def _origin(origin: OriginRecord) -> str:
    """Where layers came from; for a second transfer a line for each parent."""
    parent = origin.parent
    parts = [
        f"layers of {parent.path} (SHA-256 {parent.sha256[:16]}…): kept {', '.join(origin.kept)}"
    ]
    parts += [f"drawn anew {', '.join(origin.reinitialised)}"] if origin.reinitialised else []
    parts += [f"frozen {', '.join(origin.frozen)}"] if origin.frozen else []
    return "; ".join(parts)


def _classes(data: DataRecord, names: tuple[str, ...]) -> str:
    shown = list(names[:10])
    if len(names) > 10:
        shown.append("…")
    return f"{text.count(data.train)} examples of {', '.join(shown)}"


def tensor_table(record: InspectRecord) -> Table:
    """Every layer and tensor by name: these are the names that `transfer` takes.

    A model from elsewhere has its own names beside them, and below them what has no tensor of ours.
    """
    elsewhere = any(layer.source for layer in record.layers)
    # Keras' names are long: there is room for them in 80 columns where those stand close together.
    table = Table(**text.TABLE | ({"padding": 0} if elsewhere else {}))
    table.add_column("layer", no_wrap=True)
    table.add_column("tensor", no_wrap=True)
    table.add_column("shape", justify="right", no_wrap=True)
    table.add_column("norm", justify="right", no_wrap=True)
    table.add_column("is; in the file" if elsewhere else "is", overflow="fold")
    for layer in record.layers:
        parts = [tensor.name.removeprefix(layer.layer + ".") for tensor in layer.tensors]
        sources, others = _sources(layer.source, parts)
        for index, (name, tensor) in enumerate(zip(parts, layer.tensors, strict=True)):
            about = [layer.description] * (index == 0) + sources.get(name, [])
            shape = " × ".join(map(str, tensor.shape))
            first = layer.layer if index == 0 else ""
            table.add_row(first, name, shape, f"{tensor.norm:.4g}", Text("; ".join(about)))
        for other in others:
            table.add_row("", "", "", "", Text(other))
    return table


def _sources(source: Sequence[str], parts: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The file's names by our tensors', and what is left: what went into others, and notes."""
    split = {name: _split(name) for name in source}
    norms = {module for module, part in split.values() if part in MOMENTS}
    gone = {
        module
        for module in norms
        if any(note.startswith(f"batch norm {module!r} ") for note in source)
    }
    sources: dict[str, list[str]] = {}
    for name, (module, part) in split.items():
        ours = (NORM if module in norms else LINEAR).get(part, "")
        if ours == "kernel" and ours in sources:
            ours = "slope"  # PReLU's, which PyTorch calls a weight as well
        if ours in parts and module not in gone:
            sources.setdefault(ours, [name])
    return sources, [name for name in source if [name] not in sources.values()]


def _split(name: str) -> tuple[str, str]:
    """A tensor's module and its part of that; a note has none."""
    found = re.fullmatch(r"(?:(.+)[./])?([^./]+?)(?::0)?", name, re.DOTALL)
    return (found[1] or "", found[2]) if found else ("", "")


def history_lines(history: Sequence[EpochRecord]) -> Iterator[RenderableType]:
    """Losses and accuracy over the epochs as curves of one line each."""
    if not history:
        yield Text("no epochs yet")
    else:
        for name in ("train_loss", "val_loss", "val_accuracy"):
            yield _Curve(name, [getattr(epoch, name) for epoch in history])


@dataclass(frozen=True)
class _Curve:
    """A curve between its name and its ends, as long as there is room for on a line."""

    name: str
    values: Sequence[float]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        ends = f"{text.loss(self.values[0])} → {text.loss(self.values[-1])}"
        room = options.max_width - len(f"{self.name:12}   {ends}")
        yield Text(
            f"{self.name:12} {sparkline(self.values, min(WIDEST_SPARK, max(2, room)))}  {ends}"
        )


def sparkline(values: Sequence[float], widest: int) -> str:
    """A curve in one line, from its lowest to its highest; of long ones an even selection."""
    if len(values) > widest:
        step = (len(values) - 1) / (widest - 1)
        values = [values[round(i * step)] for i in range(widest)]
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
