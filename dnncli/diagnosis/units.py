"""Units that have stopped responding: saturated, or dead."""

from collections.abc import Iterator, Sequence

from dnncli.diagnosis import remedy
from dnncli.diagnosis.context import WITHOUT_NORMS, NetworkContext
from dnncli.errors import SpecError
from dnncli.records import Finding, LayerRecord, Remedy
from dnncli.spec import catalog

# A layer that lost half of its units has half its width; below that, dead units are common and
# harmless.
DEAD_SHARE = 0.5
# Flat units beyond those that the critical initialisation of the same network would have. Deep
# sigmoid networks that learn to 94 % have 40 % flat units in their upper layers, and so does their
# theory.
EXCESS_FLAT = 0.25
ROUNDED = 0.005  # flat shares that are closer look the same in whole per cent


def saturated(context: NetworkContext, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    """The layer with the most flat units, beyond those of theory's critical network."""
    network = context.network
    if not catalog.ACTIVATIONS[network.act].bounded:
        return
    expected = dict(zip(network.layers(), critical_flat_shares(context), strict=False))
    excess = {
        layer.layer: layer.saturated_fraction - expected[layer.layer] for layer in layers[:-1]
    }
    worst = max(layers[:-1], key=lambda layer: excess[layer.layer])
    if excess[worst.layer] > EXCESS_FLAT:
        evidence = f"{worst.saturated_fraction:.0%} of its outputs are where {network.act} is flat"
        largest = max(expected.values())
        yield _saturation(context, worst.layer, evidence, expected[worst.layer], largest)


def _saturation(
    context: NetworkContext, layer: str, evidence: str, expected: float, largest: float
) -> Finding:
    """The finding with what keeps units from where they are flat.

    expected: this layer's flat share under critical initialisation; largest: any layer's.
    """
    network = context.network
    if network.init.startswith("critical"):
        return Finding("saturated", layer, evidence, "lower --lr, or --bn with another --init")
    changes = context.changed(init="critical", **WITHOUT_NORMS)
    shares = {"saturated_fraction": expected}
    if largest > expected + ROUNDED:
        shares["largest_saturated_fraction"] = largest
    critical = Remedy(changes, shares)
    others = [] if network.bn else [Remedy({"bn": True})]
    reason = "; or lower --lr" if network.bn else "; or add --bn"
    return remedy.finding("saturated", layer, evidence, [critical, *others], reason)


def critical_flat_shares(context: NetworkContext) -> list[float]:
    """Flat shares under critical initialisation; 0 where there is no such thing."""
    nothing = [0.0] * len(context.network.hidden)
    try:
        layers = context.predict(init="critical", **WITHOUT_NORMS).layers[:-1]
    except SpecError:
        return nothing
    return [layer.saturated_fraction for layer in layers] or nothing


def dead(act: str, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    """The layer with the most dead units, where they are more than half."""
    worst = max(layers[:-1], key=lambda layer: layer.dead_fraction)
    if worst.dead_fraction > DEAD_SHARE:
        share = f"{worst.dead_fraction:.0%} of its units"
        evidence = f"{share} had slope 0 on every example of the epoch"
        others = [name for name in ("leaky-relu", "elu") if name != act]
        remedies = [Remedy({"act": name, "alpha": None, "init": "auto"}) for name in others]
        yield remedy.finding("dead", worst.layer, evidence, remedies, "or lower --lr")
