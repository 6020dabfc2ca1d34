"""`inspect` for people: layers and tensors by name, history as curves, and a run's last steps."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import (
    DataRecord,
    EpochRecord,
    InspectRecord,
    LayerPart,
    OriginRecord,
    SourceNote,
    SourceTensor,
    StepRecord,
)
from dnncli.report import fitting, gradients, notices, text, verification

# What is measured of a step; one batch does not show which units are dead.
STEP_COLUMNS = tuple(name for name in gradients.LAYER_COLUMNS[1:] if name != "dead_fraction")
WIDEST_SPARK = 60
LOGARITHMIC = 20  # how many times the smallest loss the largest must be for a logarithmic scale


def tensor_rows(record: InspectRecord) -> list[list[object]]:
    """Every tensor for CSV."""
    rows: list[list[object]] = [["layer", "tensor", "shape", "norm"]]
    for layer in record.layers:
        for tensor in layer.tensors:
            rows.append([layer.layer, tensor.name, "x".join(map(str, tensor.shape)), tensor.norm])
    return rows


def step_rows(steps: Sequence[StepRecord]) -> list[list[object]]:
    """The last steps before a run broke for CSV: a row for each step and layer."""
    rows: list[list[object]] = [["epoch", "step", "loss", "layer", *STEP_COLUMNS]]
    for step in steps:
        for layer in step.layers:
            figures = [getattr(layer, column) for column in STEP_COLUMNS]
            rows.append([step.epoch, step.step, step.loss, layer.layer, *figures])
    return rows


def report(record: InspectRecord, history: bool, steps: bool) -> Iterator[RenderableType]:
    """What the file is, its layers, and what else is asked for."""
    yield from _heading(record)
    yield tensor_table(record)
    if history:
        yield from history_lines(record.history)
    if steps:
        yield from step_tables(record.steps)
    if record.changed is not None:
        yield from verification.version_lines(record.versions, record.changed)


def _heading(record: InspectRecord) -> Iterator[Text]:
    parameters = f"{text.count(record.parameters)} parameters"
    yield Text.assemble((record.checkpoint, "bold"), f": {record.format}, {parameters}")
    if record.data is not None:
        yield from _run(record, record.data)
    origin = record.origin
    while origin is not None:
        yield Text(_origin(origin))
        origin = origin.parent.origin


def _run(record: InspectRecord, data: DataRecord) -> Iterator[Text]:
    """How the network was trained, on what, and with which libraries."""
    config = record.config
    yield Text(
        f"{config['act']}, {config['init']} initialisation,"
        f" {config['optimizer']} {config['lr']:g},"
        f" {text.batches(config, data)}, seed {config['seed']}"
    )
    trained = f"trained on {data.name} ({_classes(data, record.class_names or data.targets)})"
    yield Text(f"{record.epoch} epochs, best {record.best_epoch}; {trained}")
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield Text(f"data {data.fingerprint[:16]}…; {versions}")


def _origin(origin: OriginRecord) -> str:
    """Where layers came from; for a second transfer a line for each parent."""
    parent = origin.parent
    parts = [
        f"layers of {parent.path} (SHA-256 {parent.sha256[:16]}…): kept {', '.join(origin.kept)}"
    ]
    if origin.reinitialised:
        parts.append(f"drawn anew {', '.join(origin.reinitialised)}")
    if origin.frozen:
        parts.append(f"frozen {', '.join(origin.frozen)}")
    return "; ".join(parts)


def _classes(data: DataRecord, names: tuple[str, ...]) -> str:
    shown = list(names[:10])
    if len(names) > 10:
        shown.append("…")
    return f"{text.count(data.train)} examples of {', '.join(shown)}"


def tensor_table(record: InspectRecord) -> Table:
    """Every layer and tensor by name: these are the names that `transfer` takes.

    An external model has its own names beside them, and below them what has no tensor of ours.
    """
    external = any(layer.source for layer in record.layers)
    # Keras' names are long: there is room for them in 80 columns where those stand close together.
    style = text.TABLE | {"padding": 0} if external else text.TABLE
    table = Table(**style)
    table.add_column("layer", no_wrap=True)
    table.add_column("tensor", no_wrap=True)
    table.add_column("shape", justify="right", no_wrap=True)
    table.add_column("norm", justify="right", no_wrap=True)
    head = "is; in the file" if external else "is"
    table.add_column(head, overflow="fold")
    for layer in record.layers:
        for row in _tensor_cells(layer):
            table.add_row(*row)
    return table


def _tensor_cells(layer: LayerPart) -> Iterator[tuple[str | Text, ...]]:
    """A row a tensor, then a row for each of the file's tensors and notes that has none of ours."""
    sources, others = _sources(layer.source)
    for index, tensor in enumerate(layer.tensors):
        part = tensor.name.removeprefix(f"{layer.layer}.")
        about = [layer.description] * (index == 0) + sources.get(part, [])
        shape = " × ".join(map(str, tensor.shape))
        first = layer.layer if index == 0 else ""
        yield first, part, shape, f"{tensor.norm:.4g}", Text("; ".join(about))
    for other in others:
        yield "", "", "", "", Text(other)


def _sources(
    source: Sequence[SourceTensor | SourceNote],
) -> tuple[dict[str, list[str]], list[str]]:
    """The file's names by our tensors', and what is left: what went into others, and notes."""
    tensors = [tensor for tensor in source if isinstance(tensor, SourceTensor)]
    became = {tensor.part: [tensor.name] for tensor in tensors if tensor.part}
    others = [tensor.name for tensor in tensors if not tensor.part]
    notes = [notices.source_note(note) for note in source if isinstance(note, SourceNote)]
    return became, others + notes


def history_lines(history: Sequence[EpochRecord]) -> Iterator[RenderableType]:
    """Losses and accuracy over the epochs as curves of one line each."""
    if not history:
        yield Text("no epochs yet")
    else:
        for name in ("train_loss", "val_loss"):
            values = [getattr(epoch, name) for epoch in history]
            yield _Curve(name, values, spans_decades(values))
        shares = [epoch.train_accuracy for epoch in history]
        known = [share for share in shares if share is not None]
        if len(known) == len(shares):
            yield _Curve("train_accuracy", known)
        for metric in history[-1].metrics:
            yield _Curve(f"val_{metric}", [epoch.metrics[metric] for epoch in history])
        yield from movement(history[-1])


def movement(record: EpochRecord) -> Iterator[RenderableType]:
    """How far each layer has come by an epoch, and what moved it there; where it was measured."""
    if all(layer.distance is None for layer in record.layers):
        return
    yield Text()
    table = Table(title=f"Layers by epoch {record.epoch}", **text.TABLE)
    table.add_column("", no_wrap=True)
    for name in ("distance from start", "signal to noise", "step from penalties"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in record.layers:
        row = (_known(layer.distance), _known(layer.signal_to_noise))
        table.add_row(layer.layer, *row, text.percent(layer.penalty_share))
    yield table


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def spans_decades(values: Sequence[float]) -> bool:
    """Whether values are so far apart that only a logarithmic scale shows the small ones."""
    positive = [value for value in values if 0 < value < math.inf]
    return bool(positive) and max(positive) > LOGARITHMIC * min(positive)


@dataclass(frozen=True)
class _Curve:
    """A curve between its name and its ends, as long as there is room for on a line."""

    name: str
    values: Sequence[float]
    logarithmic: bool = False

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        ends = f"{text.loss(self.values[0])} → {text.loss(self.values[-1])}"
        if self.logarithmic:
            ends += " (log)"
        room = options.max_width - len(f"{self.name:12}   {ends}")
        shown = sparkline(self.values, min(WIDEST_SPARK, max(2, room)), self.logarithmic)
        yield Text(f"{self.name:12} {shown}  {ends}")


def sparkline(values: Sequence[float], widest: int, logarithmic: bool = False) -> str:
    """A curve in one line, from its lowest to its highest; of long ones an even selection.

    A value that is not finite, or not positive where the scale is logarithmic, has no height.
    """
    heights = [_height(value, logarithmic) for value in text.resample(values, widest)]
    finite = [height for height in heights if math.isfinite(height)]
    if not finite:
        return " " * len(heights)
    placed = text.normalised(heights, min(finite), max(finite))
    return "".join(map(_mark, placed))


def _mark(place: float) -> str:
    return text.sparkline([place]) if math.isfinite(place) else " "


def _height(value: float, logarithmic: bool) -> float:
    if not logarithmic:
        return value
    return math.log10(value) if value > 0 else math.nan


def step_tables(steps: Sequence[StepRecord]) -> Iterator[RenderableType]:
    """The last steps before a run broke: loss, and each layer's update and delta."""
    if not steps:
        yield Text("no steps recorded: the run neither diverged nor met a --stop-on condition")
        return
    yield _StepTables(steps, "δ", "delta_rms")
    yield _StepTables(steps, "step over weights", "update_ratio")


@dataclass(frozen=True)
class _StepTables:
    """A statistic by step and layer: as many tables, each of some layers, as the width asks for."""

    steps: Sequence[StepRecord]
    title: str
    field: str

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        names = [layer.layer for layer in self.steps[-1].layers]
        tables = [self._table(names, 0, len(names))]
        for parts in range(1, len(names) + 1):
            size = math.ceil(len(names) / parts)
            tables = [self._table(names, at, at + size) for at in range(0, len(names), size)]
            if all(fitting.fits(table, console, options) for table in tables):
                break
        yield from tables

    def _table(self, names: Sequence[str], first: int, end: int) -> Table:
        """The layers from `first` to before `end`, each with its column."""
        shown = names[first:end]
        which = "" if len(shown) == len(names) else f", {text.layer_range(shown)}"
        table = Table(title=f"{self.title} in the last steps{which}", **text.TABLE)
        for column in ("epoch", "step", "loss", *shown):
            table.add_column(column, justify="right", no_wrap=True)
        for step in self.steps:
            layers = step.layers[first:end]
            figures = [text.scientific(getattr(layer, self.field)) for layer in layers]
            table.add_row(str(step.epoch), str(step.step), text.loss(step.loss), *figures)
        return table
