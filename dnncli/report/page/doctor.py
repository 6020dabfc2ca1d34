"""The page of `doctor`: what is wrong, what was tried, what to train with."""

import shlex
from collections.abc import Iterator

from dnncli.records import CandidateRecord, DoctorRecord, Gain
from dnncli.report import doctor, text
from dnncli.report.merit import Merit, merit
from dnncli.report.page import data, diagnoses, reproduce
from dnncli.report.page.blocks import (
    Block,
    Cell,
    Column,
    Command,
    Fact,
    Page,
    Prose,
    Section,
    Table,
)
from dnncli.report.page.cells import Span, sentences


def page(record: DoctorRecord) -> Page:
    """The whole page."""
    parts = [
        Section("prescription", "Prescription", tuple(_prescription(record))),
        Section("diagnosis", "Diagnosis", tuple(_diagnosis(record))),
        Section("remedies", "Remedies tried", tuple(_remedies(record))),
        Section("data", "Data", (data.facts(record.data),)),
        _again(record),
    ]
    return Page(
        title=f"{record.config.get('act', 'A network')} on {record.data.name}",
        kicker="dnncli doctor",
        lead=record.conclusion,
        verdict=diagnoses.verdict(record.health),
        facts=tuple(_key_facts(record)),
        sections=tuple(part for part in parts if part.blocks),
    )


def _key_facts(record: DoctorRecord) -> Iterator[Fact]:
    """The score as it is, the gain, and how much was tried."""
    shown = merit(record.data)
    if record.test:
        yield Fact(f"test {shown.name} as it is", shown.shown(record.test.merit))
    if record.test_gain:
        yield _gained(record.test_gain, shown)
    tried = [candidate for candidate in record.candidates if candidate.changes and candidate.rung]
    yield Fact("remedies tried", str(len(tried)), f"{doctor.seeds_of(record)} paired seeds each")
    yield Fact("time", text.seconds(record.seconds.total), f"of {record.budget:g} s")


def _gained(gain: Gain, shown: Merit) -> Fact:
    """What the chosen change gained on the test set, with its interval."""
    note = ""
    if gain.low is not None and gain.high is not None:
        ends = f"{shown.difference(gain.low)} to {shown.difference(gain.high)}"
        note = f"95 % interval {ends}, {gain.pairs} seeds"
    return Fact(f"gained on the test set, {shown.gained}", shown.difference(gain.mean), note)


def _prescription(record: DoctorRecord) -> Iterator[Block]:
    """What to do."""
    prescribed = record.chosen is not None or record.basis is not None
    if not prescribed or record.basis == "diagnosis":
        yield Prose(record.conclusion)
    if prescribed:
        yield Command(shlex.join(record.command_line))
    if not record.finished:
        yield Prose("The budget ended before every finalist had all its epochs.", "note")


def _diagnosis(record: DoctorRecord) -> Iterator[Block]:
    """What was found before training, in the run as it is, and on one batch."""
    yield from diagnoses.findings(record.before, record.config)
    yield from diagnoses.blocks(record.health, record.config)
    if record.one_batch:
        lines = sentences(doctor.one_batch(record.one_batch, record.data))
        yield from (Prose(line[:1].upper() + line[1:]) for line in lines)


def _remedies(record: DoctorRecord) -> Iterator[Block]:
    """Every candidate that was tried, the best first."""
    tried = sorted((one for one in record.candidates if one.rung), key=doctor.order)
    if not tried:
        return
    shown = merit(record.data)
    gains = [one.gain for one in tried if one.gain]
    span = Span([end for gain in gains for end in (gain.mean, gain.low, gain.high)], zero=True)
    rows = tuple(_row(record, one, span) for one in tried)
    heads = (
        Column("change", numeric=False),
        Column("epochs"),
        Column(shown.heading),
        Column(f"gain, {shown.gained}"),
        Column("worse | better", numeric=False),
        Column("layers", numeric=False),
    )
    caption = (
        f"Validation {shown.name} over {doctor.seeds_of(record)} seeds, against the run as it is"
    )
    note = "Candidates that fell behind were given up after fewer epochs. Intervals are of 95 %."
    yield Table(caption, heads, rows, note)


def _row(record: DoctorRecord, one: CandidateRecord, span: Span) -> tuple[Cell, ...]:
    """A candidate; the chosen one stands out."""
    shown = merit(record.data)
    tone = "strong" if one.name == record.chosen else ""
    drawn = Cell("")
    if one.gain:
        interval = span.interval(one.gain.mean, one.gain.low, one.gain.high, 0.0)
        drawn = Cell("", interval=interval)
    layers = "good" if one.healthy else ""
    return (
        Cell(one.flags or "as it is", tone),
        Cell(str(one.epochs)),
        Cell(shown.bare(one.val_accuracy), tone),
        Cell(shown.gain(one.gain) or "–"),
        drawn,
        Cell(one.verdict or "", layers),
    )


def _again(record: DoctorRecord) -> Section:
    """The doctor's own command."""
    config = dict(record.config)
    config |= {"budget": record.budget, "seeds": record.seeds}
    return reproduce.of_command("doctor", config, [reproduce.data(record.data)])
