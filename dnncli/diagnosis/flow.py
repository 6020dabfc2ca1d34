"""How the gradient flows: what overflows, vanishes or explodes, and what mends it.

Rules look at ratios, never at absolute gradients, which move with the loss, the batch and the
width.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from dnncli import theory
from dnncli.diagnosis import remedy
from dnncli.diagnosis.context import WITHOUT_NORMS, NetworkContext, delta_ratio
from dnncli.errors import SpecError
from dnncli.records import Finding, LayerRecord, Remedy
from dnncli.spec import catalog

# Networks train to a depth of about 6 depth scales, in a band of 4.6 to 8.6 (Schoenholz et al.
# 2017). delta^2 shrinks by e^-1 a depth scale, so delta itself by e^-4.3 over the deepest that
# trains.
TRAINABLE_DECAY = math.exp(-8.6 / 2)
# Activations that shrank so much on the way up carry their layer's bias and little of the input.
FAINT_SIGNAL = 1e-2

LOOK_AT_INPUTS = (
    "look at the inputs: constant or badly scaled features (--scale standard), repeated examples"
)


def overflow(context: NetworkContext, layers: Sequence[LayerRecord]) -> Finding | None:
    """What left float32 first: activations from the input up, gradients from the output down."""
    orders = (
        ("activations", ("activation_mean", "activation_std"), layers),
        ("gradients", ("delta_rms", "gradient_norm"), layers[::-1]),
    )
    for what, names, order in orders:
        for layer in order:
            if all(math.isfinite(getattr(layer, name)) for name in names):
                continue
            evidence = f"its {what} overflow float32"
            if context.is_level(context.predicted_ratio()):
                advice = f"{LOOK_AT_INPUTS}, or lower --lr"
                return Finding("exploding", layer.layer, evidence, advice)
            return levelled("exploding", layer.layer, evidence, context, math.inf)
    return None


def flow(
    context: NetworkContext, layers: Sequence[LayerRecord], normalised: bool = False
) -> Iterator[Finding]:
    """Gradients that shrink or grow between the last hidden layer and the first.

    normalised: whether growth is told of a network with batch norm too, where it did harm.
    """
    ratio = delta_ratio(layers)
    first = layers[0]
    if ratio < TRAINABLE_DECAY or (math.isnan(ratio) and first.delta_rms == 0):
        evidence = _decay(context.network.act, layers, ratio)
        yield levelled("vanishing", first.layer, evidence, context, ratio)
    # At initialisation batch norm's gradients grow by 1.2 a layer; the first steps shrink them.
    elif ratio > 1 / TRAINABLE_DECAY and (normalised or not context.network.bn):
        evidence = f"δ grows {ratio:.1e} times from {layers[-2].layer} to {first.layer}"
        yield levelled("exploding", first.layer, evidence, context, ratio)


def _decay(act: str, layers: Sequence[LayerRecord], ratio: float) -> str:
    """How much is lost, at what depth scale, and by which cause."""
    last = layers[-2].layer
    text = f"δ falls to {ratio:.1e} of {last}'s"
    if not ratio > 0:
        text = "no δ is left of it in float32"
    hidden = layers[:-1]
    if ratio > 0 and len(hidden) > 1:
        scale = (len(hidden) - 1) / (2 * -math.log(ratio))
        low, high = theory.trainable_depth(math.exp(-1 / scale))
        trains = f"trains to a depth of {_round(low)} to {_round(high)}, not {len(hidden)}"
        text += f" (depth scale {scale:.2g}: {trains})"
    return f"{text}; {_cause(act, hidden)}"


def _round(depth: float) -> str:
    return f"{depth:.2g}" if depth < 10 else f"{depth:.0f}"


def _cause(act: str, hidden: Sequence[LayerRecord]) -> str:
    """Why each layer passes less than it gets."""
    flattest = max(hidden, key=lambda layer: layer.saturated_fraction)
    spreads = [layer.activation_std for layer in hidden]
    if catalog.ACTIVATIONS[act].bounded and flattest.saturated_fraction > 1 / 2:
        return f"cause: saturation, {flattest.saturated_fraction:.0%} of {flattest.layer} is flat"
    if min(spreads) < FAINT_SIGNAL * max(spreads):
        fall = f"from {max(spreads):.1e} to {min(spreads):.1e}"
        return f"cause: small activations, their spread falls {fall}"
    return "cause: small slopes and weights, each layer passes less than it gets"


def levelled(
    rule: str, layer: str, evidence: str, context: NetworkContext, measured: float
) -> Finding:
    """A finding with changes for which theory predicts level gradients, if there are any."""
    if not 0 < context.second_moment < math.inf:
        return Finding(rule, layer, evidence, LOOK_AT_INPUTS)
    if context.is_level(context.predicted_ratio()):
        advice = "lower --lr, or more units a layer, or fewer layers"
        reason = f"theory has it level before the first step: {advice}"
        return Finding(rule, layer, evidence, reason)
    remedies = list(level_remedies(context))
    if remedies:
        instead = f"instead of {measured:.1e}" if math.isfinite(measured) else ""
        return remedy.finding(rule, layer, evidence, remedies, instead)
    norm = ", or --bn" if _norm_helps(context) else ""
    act = context.network.act
    none = f"fewer layers{norm}: theory knows no initialisation that is surely level for {act} here"
    return Finding(rule, layer, evidence, none)


def level_remedies(context: NetworkContext) -> Iterator[Remedy]:
    """Changes for which theory predicts level gradients, the smallest change first."""
    options: list[dict[str, object]] = [
        {"init": "critical"},
        {"act": "elu", "alpha": None, "init": "critical"},
    ]
    for wanted in options:
        if wanted.get("act") == context.network.act:
            continue
        changes = context.changed(**wanted, **WITHOUT_NORMS)
        ratio = _level_ratio(context, changes)
        if ratio is not None:
            yield Remedy(changes, {"delta_ratio": ratio})


def _norm_helps(context: NetworkContext) -> bool:
    """Whether batch norm is not on yet and lets gradients grow by less than what trains."""
    if context.network.bn:
        return False
    ratio = context.predicted_ratio(bn=True, init="he-normal")
    return ratio is not None and ratio < 1 / TRAINABLE_DECAY


def _level_ratio(context: NetworkContext, changes: Mapping[str, object]) -> float | None:
    """The ratio that theory predicts after a change; None where it is not level.

    Nor is it where networks of these widths scatter beyond what trains: nothing is promised then.
    """
    try:
        prediction = context.predict(**changes)
    except SpecError:
        return None
    if prediction.band is None or not context.is_level(prediction.delta_ratio):
        return None
    low, high = prediction.band
    trains = low > TRAINABLE_DECAY and high < 1 / TRAINABLE_DECAY
    return prediction.delta_ratio if trains else None
