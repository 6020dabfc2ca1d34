"""The page of `transfer`: what is reused, whether it helped, and how the layers learn."""

from collections.abc import Iterator, Sequence

from dnncli.experiments import statistics
from dnncli.records import ProbeRecord, RunSummary, TransferRecord
from dnncli.report import text, training, transfer
from dnncli.report.merit import merit
from dnncli.report.page import charts, data, diagnoses, layers, reproduce
from dnncli.report.page.blocks import (
    Block,
    Cell,
    Charts,
    Column,
    Fact,
    Facts,
    Page,
    Prose,
    Section,
    Table,
)
from dnncli.report.page.cells import sentences, tables
from dnncli.report.page.charts import Series

# What follows from the network that is reused, and cannot be given.
NOT_OPTIONS = ("checkpoint", "hidden", "bn", "bn_output", "bn_momentum", "ensemble", "preset")
EXTERNAL = ("act", "alpha")  # options for a model from elsewhere


def page(record: TransferRecord) -> Page:
    """The whole page."""
    parts = [
        Section("gain", "What the reuse gained", tuple(_gain(record))),
        Section("reuse", "What is reused", tuple(_reused(record))),
        Section("diagnosis", "Diagnosis", tuple(diagnoses.blocks(record.health, record.config))),
        Section("layers", "Layers", tuple(layers.blocks(record.epochs))),
        Section("data", "Data", (data.facts(record.data),)),
        _again(record),
    ]
    config = record.config
    sizes = training.sizes(record.data, config.get("hidden", ()))
    settings = f"{sizes} · {config.get('act', '')} · {config.get('optimizer', '')}"
    return Page(
        title=f"{record.parent.path} reused on {record.data.name}",
        kicker=f"dnncli transfer · {settings}",
        lead=transfer.difference_line(record).plain,
        verdict=diagnoses.verdict(record.health),
        facts=tuple(_key_facts(record)),
        sections=tuple(part for part in parts if part.blocks),
    )


def _key_facts(record: TransferRecord) -> Iterator[Fact]:
    """Both runs' test scores, and what was trained."""
    shown = merit(record.data)
    for name, runs in _kinds(record):
        mean = sum(run.test.merit for run in runs) / len(runs)
        yield Fact(f"test {shown.name}, {name}", shown.shown(mean), f"{len(runs)} seeds")
    yield Fact("layers kept", text.layer_range(record.kept))
    yield Fact("trained parameters", text.count(record.trained_parameters))
    yield Fact("time", text.seconds(record.seconds.total))


def _kinds(record: TransferRecord) -> list[tuple[str, Sequence[RunSummary]]]:
    """The transferred network's runs and those from scratch, where there are any."""
    baseline = record.baseline.seeds if record.baseline else ()
    kinds = zip(transfer.kinds(record), (record.seeds, baseline), strict=False)
    return [(name, runs) for name, runs in kinds if runs]


def _gain(record: TransferRecord) -> Iterator[Block]:
    """Both side by side, over the epochs too."""
    if not record.seeds:
        yield Prose("No run was finished.", "note")
        return
    yield from tables([transfer.comparison_table(record, curves=False)])
    shown = merit(record.data)
    series = {}
    for name, runs in _kinds(record):
        seeds = [run.val_accuracies for run in runs if run.val_accuracies]
        means = [sum(values) / len(values) for values in statistics.by_epoch(seeds)]
        series[name] = Series([shown.factor * value for value in means])
    yield Charts(
        (
            charts.curves(
                f"Validation {shown.name}, means over {len(record.seeds)} seeds",
                f"Validation {shown.name} over the epochs: {' and '.join(series)}.",
                series,
                ("epoch", shown.right),
            ),
        )
    )
    yield from (Prose(line, "note") for line in sentences(transfer.which_baseline(record)))


def _reused(record: TransferRecord) -> Iterator[Block]:
    """The parent, what became of its layers, the probes and the race."""
    parent = record.parent
    trained = parent.data or "unknown data"
    yield Facts(
        (
            Fact("network", parent.path, f"SHA-256 {parent.sha256}"),
            Fact("trained on", trained),
            Fact("kept", text.layer_range(record.kept)),
            Fact("frozen", text.layer_range(record.frozen)),
            Fact("drawn anew", text.layer_range(record.reinitialised)),
        )
    )
    if record.probes:
        yield _probes(record.probes)
    if record.race:
        shown = list(transfer.race(record.race))
        yield from tables(shown)
        yield from (Prose(line, "strong") for line in sentences(shown))


def _probes(probes: Sequence[ProbeRecord]) -> Table:
    """What a linear classifier reads off each layer."""
    heads = (Column("layer", numeric=False), Column("accuracy"), Column("± error"))
    rows = tuple(
        (
            Cell(one.layer),
            Cell(f"{100 * one.accuracy:.2f} %"),
            Cell(f"{100 * one.error:.2f} %"),
            Cell("", bar=min(1.0, max(0.0, one.accuracy))),
        )
        for one in probes
    )
    caption = "What a linear classifier reads off each layer (cross-validated)"
    return Table(caption, (*heads, Column("", numeric=False)), rows)


def _again(record: TransferRecord) -> Section:
    """The command with the network that it starts from."""
    own = NOT_OPTIONS if record.parent.data is None else (*NOT_OPTIONS, *EXTERNAL)
    config = {name: value for name, value in record.config.items() if name not in own}
    identity = reproduce.data(record.data, [Fact("network, SHA-256", record.parent.sha256)])
    return reproduce.of_command("transfer", config, [identity], [record.parent.path])
