"""The page of `eval`: each split's scores, the stored network's gradients, batch norm."""

from collections.abc import Iterator

from dnncli.records import EvalRecord
from dnncli.report import evaluation, text
from dnncli.report.merit import merit
from dnncli.report.page import data, layers, reproduce, run, scores
from dnncli.report.page.blocks import Block, Fact, Page, Prose, Section
from dnncli.report.page.cells import sentences, tables


def page(record: EvalRecord) -> Page:
    """The whole page."""
    target = record.data.targets[0] if record.data.targets else ""
    sections = []
    for name, split in record.splits.items():
        shown = scores.split(split, name, record.calibration, record.threshold, target)
        sections.append(Section(name, f"{name.capitalize()} examples", tuple(shown)))
    if record.layers:
        told = Prose("On training batches, without training the network any further.")
        drawn = layers.table(record.layers, "Gradients of the stored network")
        sections.append(Section("layers", "Layers", (told, drawn)))
    if record.bn:
        sections.append(Section("batch-norm", "Batch norm", tuple(_batch_norm(record))))
    sections.append(Section("data", "Data", (data.facts(record.data),)))
    identity = reproduce.data(record.data, [Fact("checkpoint", record.checkpoint)])
    splits = [word for name in record.splits for word in ("--split", name)]
    again = reproduce.of_network("eval", [record.checkpoint, *splits], record.config, [identity])
    return Page(
        title=f"{record.config.get('act', 'A network')} on {record.data.name}",
        kicker=f"dnncli eval · {record.checkpoint}",
        lead="How a trained network does.",
        verdict=None,
        facts=tuple(_key_facts(record)),
        sections=(*sections, again),
    )


def _key_facts(record: EvalRecord) -> Iterator[Fact]:
    """Each split's first score, and how many examples a second."""
    for name, split in record.splits.items():
        label, value, note = run.headline(split.metrics, split.headline, merit(record.data))
        yield Fact(f"{name} {label}", value, note)
        yield Fact(f"{name} examples", text.count(split.examples))
    fastest = max((split.examples_per_second for split in record.splits.values()), default=0.0)
    yield Fact("examples a second", f"{fastest:,.0f}", "forward pass alone")


def _batch_norm(record: EvalRecord) -> Iterator[Block]:
    """How far the statistics are apart, and what that costs."""
    assert record.bn is not None
    shown = list(evaluation.batch_norm_tables(record.bn))
    yield from tables(shown)
    yield from (Prose(line) for line in sentences(shown))
