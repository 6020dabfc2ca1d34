"""What is wrong with a network: causes before symptoms, and the command line that mends it."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dnncli.diagnosis.remedy import command_line
from dnncli.errors import SpecError
from dnncli.records import Finding, Health
from dnncli.report import gradients
from dnncli.report.page.blocks import Block, Cell, Diagnosis, Prose
from dnncli.report.page.cells import sentences
from dnncli.spec import RunSpec, from_options
from dnncli.spec.given import options_to_type

HEALTHY = "Nothing is wrong: every layer that is trained learns."
TONES = {"healthy": "good", "unknown": "fair"}


def verdict(health: Health) -> Cell:
    """The verdict in a word."""
    return Cell(health.verdict, TONES.get(health.verdict, "bad"))


def blocks(health: Health, config: Mapping[str, Any]) -> Iterator[Block]:
    """Whether the network has learned, and every cause with its remedy. config: the run's."""
    for line in sentences(gradients.learned_line(health.learned)):
        yield Prose(line[:1].upper() + line[1:])
    if health.verdict == "unknown":
        yield Prose("There is no verdict: no epoch was finished.")
    elif not health.findings:
        yield Prose(HEALTHY)
    yield from findings(health.findings, config)
    yield from (Prose(f"{note}.", "note") for note in health.notes)


def findings(found: Sequence[Finding], config: Mapping[str, Any]) -> Iterator[Block]:
    """Causes, each with what it explains and what to do."""
    spec = _spec(config)
    for finding in found:
        symptoms = [f"{symptom.heading()}: {symptom.evidence}" for symptom in finding.symptoms]
        yield Diagnosis(
            rule=finding.rule,
            layer=finding.layer or "",
            evidence=finding.evidence,
            advice=finding.advice,
            command=_command(finding, spec),
            symptoms=tuple(symptoms),
        )


def _spec(config: Mapping[str, Any]) -> RunSpec | None:
    """The run that the options describe; None where they describe none, or more than a run."""
    try:
        return from_options(config)
    except (SpecError, TypeError, ValueError):
        return None


def _command(finding: Finding, spec: RunSpec | None) -> str:
    """The whole command line with the first remedy; nothing without one."""
    if finding.remedy is None or spec is None:
        return ""
    try:
        changed = from_options({**spec.options(), **finding.remedy.changes})
    except (SpecError, TypeError, ValueError):
        return ""
    return shlex.join(command_line(options_to_type(changed)))
