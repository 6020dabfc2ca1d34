"""Causes before symptoms: what is found of a whole run, stage by stage, the first cause first.

data → configuration → initialisation → steps → units → generalisation → evaluation.
What is found at a later stage than the first cause is explained by it: it is shown under the cause
and is not a finding of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from dnncli.diagnosis import data_rules, generalisation, growth, label_noise
from dnncli.diagnosis.case import Case
from dnncli.diagnosis.configuration import normalisation, over_regularised, under_capacity
from dnncli.diagnosis.flow import flow, overflow
from dnncli.diagnosis.pace import slow, unstable
from dnncli.diagnosis.steps import updates
from dnncli.diagnosis.units import dead, saturated
from dnncli.records import Finding, LayerRecord

Rule = Callable[[Case], Iterator[Finding]]


def _inputs(case: Case) -> Iterator[Finding]:
    """Inputs that are off, where that did harm, or could do nothing else."""
    if case.data is None:
        return
    inputs = case.data.inputs
    found = data_rules.inputs(inputs, case.run.data.scale)
    normalised = case.run.network.bn and inputs.varying > 0
    if inputs.varying == 0 or (case.impaired and not normalised):
        yield from found


def _shared(case: Case) -> Iterator[Finding]:
    """Held-out rows that were trained on."""
    if case.data is not None:
        yield from data_rules.shared_rows(case.data)


def _initialisation(case: Case) -> Iterator[Finding]:
    """What was wrong before the first update, where something is wrong afterwards too."""
    layers = _trained(case.initial)
    if not layers:
        return
    overflowed = overflow(case.context, layers)
    if overflowed:
        yield overflowed
        return
    if len(layers) < 2 or not (case.impaired or any(_units(case))):
        return
    flowing = flow(case.context, layers, normalised=case.impaired)
    for found in (*flowing, *saturated(case.context, layers)):
        later = growth.afterwards(case) if found.rule == "exploding" else ""
        yield replace(found, evidence=f"before any update {found.evidence}{later}")


def _crashed(case: Case) -> Iterator[Finding]:
    """What broke, where training diverged."""
    if case.crash is not None:
        yield case.crash


def _moves(case: Case) -> Iterator[Finding]:
    """Steps of the last epoch that replace weights, or are lost."""
    layers = _trained(case.layers)
    if case.crash is None or case.epochs:
        yield from updates(layers, _step_left(case))


def _step_left(case: Case) -> float:
    """What share of the first step the schedule and the output's error leave in the last epoch."""
    rate = float(case.run.schedule.lr or 0.0)
    error = case.initial[-1].delta_rms if case.initial else 0.0
    if not case.epochs or not rate or not error:
        return 1.0
    scheduled = min(1.0, case.epochs[-1].learning_rate / rate)
    return scheduled * min(1.0, case.last_epoch[-1].delta_rms / error)


def _units(case: Case) -> Iterator[Finding]:
    """How gradients flow and units respond in the last epoch."""
    layers = _trained(case.layers)
    if case.crash is not None and not case.epochs:
        return
    overflowed = overflow(case.context, layers)
    if overflowed:
        yield overflowed
    elif len(layers) > 1:
        yield from flow(case.context, layers)
        yield from saturated(case.context, layers)
        yield from dead(case.context.network.act, layers)


def _trained(layers: Sequence[LayerRecord]) -> list[LayerRecord]:
    return [layer for layer in layers if not layer.frozen]


STAGES: dict[str, tuple[Rule, ...]] = {
    "data": (
        _inputs,
        label_noise.given_away,
        data_rules.few_examples,
        data_rules.imbalance,
        data_rules.labels,
        label_noise.noisy,
    ),
    "configuration": (normalisation, over_regularised, under_capacity),
    "initialisation": (_initialisation,),
    "steps": (unstable, slow),
    "crash": (_crashed,),
    "units": (_units, _moves),
    "stopping": (generalisation.unfinished, generalisation.overfitting),
    "generalisation": (generalisation.not_learning, generalisation.worse_than_simple),
    # The data's too, but it does no harm to learning: only to what is believed of it.
    "evaluation": (_shared,),
}


def findings(case: Case) -> tuple[Finding, ...]:
    """The first stage's findings, those of later stages as symptoms of the first one."""
    causes: list[Finding] = []
    symptoms: list[Finding] = []
    for rules in STAGES.values():
        found = [finding for rule in rules for finding in rule(case)]
        if causes:
            known = {finding.rule for finding in (*causes, *symptoms)}
            symptoms += [finding for finding in found if finding.rule not in known]
        else:
            causes = found
    if not causes:
        return ()
    return (replace(causes[0], symptoms=tuple(symptoms)), *causes[1:])
