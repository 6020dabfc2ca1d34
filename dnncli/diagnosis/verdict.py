"""The verdict on a network: what is wrong, in which layer, why, and what mends it."""

from collections.abc import Iterator, Sequence

from dnncli.diagnosis import chain, growth
from dnncli.diagnosis.case import Case
from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.first_step import deviation_from_theory
from dnncli.diagnosis.flow import flow, overflow
from dnncli.diagnosis.steps import updates
from dnncli.diagnosis.units import dead, saturated
from dnncli.records import Finding, Health, LayerRecord
from dnncli.records.diagnosis import RunEvidence


def diagnose(
    context: NetworkContext,
    layers: Sequence[LayerRecord],
    initial: Sequence[LayerRecord] = (),
    crash: Finding | None = None,
    evidence: RunEvidence | None = None,
) -> Health:
    """The verdict on a network, the first cause first.

    layers: statistics of one epoch, the run's last. initial: of the first step, before any update.
    crash: what broke where training diverged. evidence: what else is known of the whole run;
    without it only the layers are judged. Frozen layers are not judged.
    """
    deviation = tuple(deviation_from_theory(context, initial)) if initial else ()
    if evidence is not None and context.run is not None:
        case = Case(context, context.run, tuple(layers), tuple(initial), crash, evidence)
        found = chain.findings(case)
        named = {finding.rule for finding in found}
        rest = () if "inputs" in named else deviation
        notes = tuple(growth.notes(case, found))
        return Health(_first_rule(found), (*found, *rest), case.learned, notes)
    trained = [layer for layer in layers if not layer.frozen]
    found = (crash,) if crash else tuple(layer_findings(context, trained))
    return Health(_first_rule(found), (*found, *deviation))


def _first_rule(found: Sequence[Finding]) -> str:
    """The verdict in a word."""
    return found[0].rule if found else "healthy"


def layer_findings(context: NetworkContext, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    """What the statistics of one epoch or step show, layer by layer."""
    if overflowed := overflow(context, layers):  # nothing can be read off the other statistics
        yield overflowed
        return
    if len(layers) > 1:  # some hidden layer is trained
        yield from flow(context, layers)
        yield from saturated(context, layers)
        yield from dead(context.network.act, layers)
    yield from updates(layers)
