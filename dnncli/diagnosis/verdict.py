"""The verdict on a network: what is wrong, in which layer, why, and what mends it."""

from collections.abc import Iterator, Sequence

from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.first_step import deviation_from_theory
from dnncli.diagnosis.flow import flow, overflow
from dnncli.diagnosis.steps import updates
from dnncli.diagnosis.units import dead, saturated
from dnncli.records import Finding, Health, LayerRecord


def diagnose(
    context: NetworkContext,
    layers: Sequence[LayerRecord],
    initial: Sequence[LayerRecord] = (),
    crash: Finding | None = None,
) -> Health:
    """The verdict on one epoch's statistics, worst finding first.

    `initial` are the statistics of the first step, to hold against theory; `crash` is what broke where
    training diverged. Frozen layers are not judged.
    """
    trained = [layer for layer in layers if not layer.frozen]
    found = (crash,) if crash else tuple(layer_findings(context, trained))
    deviation = tuple(deviation_from_theory(context, initial)) if initial else ()
    return Health(found[0].rule if found else "healthy", (*found, *deviation))


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
