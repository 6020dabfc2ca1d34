"""Rules that turn a network's figures into a verdict: what is wrong, in which layer, why, and what fixes it.

Rules look at ratios, never at absolute gradients, which move with the loss, the batch and the width.
Every threshold stands here with its reason.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dnncli import theory
from dnncli.errors import SpecError
from dnncli.records import Finding, Health, LayerRecord
from dnncli.spec import NetworkSpec, catalog
from dnncli.theory import Prediction

# Networks train to a depth of about 6 depth scales, in a band of 4.6 to 8.6 (Schoenholz et al. 2017).
# delta^2 shrinks by e^-1 a depth scale, so delta itself by e^-4.3 over the deepest that trains.
TRAINABLE_DECAY = math.exp(-8.6 / 2)
# A layer that lost half of its units has half its width; below that, dead units are common and harmless.
DEAD_SHARE = 0.5
# Flat units beyond those that the critical initialisation of the same network would have. Deep sigmoid
# networks that learn to 94 % have 40 % flat units in their upper layers, and so does their theory.
EXCESS_FLAT = 0.25
# A step of half an ulp or less leaves a float32 weight as it was.
LOST_UPDATE = 2.0**-24
# A step as large as the weights replaces what was learned; healthy steps are near a thousandth.
HUGE_UPDATE = 1.0
# Activations that shrank so much on the way up carry their layer's bias and little of the input.
FAINT_SIGNAL = 1e-2
# How far outside its 95 % band a measured delta ratio surprises: real inputs are neither Gaussian nor
# independent, which costs up to a factor of 3.
SURPRISE = 3.0

INPUTS = (
    "look at the inputs: constant or badly scaled features (--scale standard), repeated examples"
)
PLAIN: dict[str, object] = {
    "bn": False,
    "bn_output": False,
    "bn_momentum": None,
}  # a network without norms


@dataclass(frozen=True)
class Setting:
    """What theory needs: the network, its sizes, and the mean square of its scaled inputs."""

    network: NetworkSpec
    features: int
    classes: int
    second_moment: float

    def predict(self, **changes: object) -> Prediction:
        """Theory of this network, or of one with other options. Raises SpecError where it has none."""
        network = replace(self.network, **changes) if changes else self.network  # type: ignore[arg-type]
        return theory.predict(network, self.features, self.classes, self.second_moment)


def delta_ratio(layers: Sequence[LayerRecord]) -> float:
    """delta_rms of hidden1 over that of the last hidden layer; nan where both are 0."""
    first, last = layers[0].delta_rms, layers[-2].delta_rms
    if last == 0:
        return math.nan if first == 0 else math.inf
    return first / last


def judge(
    setting: Setting,
    layers: Sequence[LayerRecord],
    initial: Sequence[LayerRecord] = (),
    crash: Finding | None = None,
) -> Health:
    """The verdict on one epoch's figures, worst finding first.

    `initial` are the figures of the first step, to hold against theory; `crash` is what broke where
    training diverged. Frozen layers are not judged.
    """
    trained = [layer for layer in layers if not layer.frozen]
    found = (crash,) if crash else tuple(_findings(setting, trained))
    surprise = tuple(_surprise(setting, initial)) if initial else ()
    return Health(found[0].rule if found else "healthy", (*found, *surprise))


def explain(setting: Setting, crash: Finding, initial: Sequence[LayerRecord]) -> Finding:
    """What broke, with the remedy for gradients that exploded before any update, where they did."""
    overflow = _non_finite(setting, initial)
    flow = _flow(setting, initial) if not overflow and len(initial) > 1 else ()
    exploding = overflow or next((finding for finding in flow if finding.rule == "exploding"), None)
    if exploding is None:
        return crash
    evidence = f"{crash.evidence}; before any update {exploding.evidence}"
    return replace(crash, evidence=evidence, advice=exploding.advice)


def _findings(setting: Setting, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    if overflow := _non_finite(setting, layers):  # nothing can be read off the other figures
        yield overflow
        return
    if len(layers) > 1:  # some hidden layer is trained
        yield from _flow(setting, layers)
        yield from _saturated(setting, layers)
        yield from _dead(setting.network.act, layers)
    yield from _updates(layers)


def _non_finite(setting: Setting, layers: Sequence[LayerRecord]) -> Finding | None:
    """What left float32 first: activations break from the input up, gradients from the output down."""
    for what, names, order in (
        ("activations", ("activation_mean", "activation_std"), layers),
        ("gradients", ("delta_rms", "gradient_norm"), layers[::-1]),
    ):
        for layer in order:
            if not all(math.isfinite(getattr(layer, name)) for name in names):
                level = _is_level(setting, _ratio(setting))
                advice = f"{INPUTS}, or lower --lr" if level else _remedy(setting, math.inf)
                return Finding("exploding", layer.layer, f"its {what} overflow float32", advice)
    return None


def _flow(setting: Setting, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    ratio = delta_ratio(layers)
    if ratio < TRAINABLE_DECAY or (math.isnan(ratio) and layers[0].delta_rms == 0):
        yield Finding(
            "vanishing",
            layers[0].layer,
            _decay_evidence(setting.network.act, layers, ratio),
            _remedy(setting, ratio),
        )
    # At initialisation batch norm's gradients grow by 1.2 a layer; the first steps shrink them.
    elif ratio > 1 / TRAINABLE_DECAY and not setting.network.bn:
        evidence = f"δ grows {ratio:.1e} times from {layers[-2].layer} to {layers[0].layer}"
        yield Finding("exploding", layers[0].layer, evidence, _remedy(setting, ratio))


def _decay_evidence(act: str, layers: Sequence[LayerRecord], ratio: float) -> str:
    """How much is lost, at what depth scale, and by which cause."""
    last = layers[-2].layer
    text = f"δ falls to {ratio:.1e} of {last}'s" if ratio > 0 else "no δ is left of it in float32"
    hidden = layers[:-1]
    if ratio > 0 and len(hidden) > 1:
        scale = (len(hidden) - 1) / (2 * -math.log(ratio))
        low, high = (_round(depth) for depth in theory.trainable_depth(math.exp(-1 / scale)))
        text += (
            f" (depth scale {scale:.2g}: trains to a depth of {low} to {high}, not {len(hidden)})"
        )
    return f"{text}; {_cause(act, hidden)}"


def _round(depth: float) -> str:
    return f"{depth:.2g}" if depth < 10 else f"{depth:.0f}"


def _cause(act: str, hidden: Sequence[LayerRecord]) -> str:
    flattest = max(hidden, key=lambda layer: layer.saturated_fraction)
    spreads = [layer.activation_std for layer in hidden]
    if catalog.ACTIVATIONS[act].bounded and flattest.saturated_fraction > 1 / 2:
        return f"cause: saturation, {flattest.saturated_fraction:.0%} of {flattest.layer} is flat"
    if min(spreads) < FAINT_SIGNAL * max(spreads):
        return f"cause: small activations, their spread falls from {max(spreads):.1e} to {min(spreads):.1e}"
    return "cause: small slopes and weights, each layer passes less than it gets"


def _remedy(setting: Setting, measured: float) -> str:
    """The first flag for which theory predicts level gradients, with its prediction."""
    act, bn = setting.network.act, setting.network.bn
    if not 0 < setting.second_moment < math.inf:
        return INPUTS
    if _is_level(setting, _ratio(setting)):
        return "theory has it level before the first step: lower --lr, or more units a layer, or fewer layers"
    options: list[tuple[str, dict[str, object]]] = [
        ("--init critical", {}),
        ("--act elu --init critical", {"act": "elu", "alpha": None}),
    ]
    for flag, changes in options:
        ratio = _ratio(setting, init="critical", **PLAIN, **changes)
        if _is_level(setting, ratio):
            instead = f" instead of {measured:.1e}" if math.isfinite(measured) else ""
            return f"{flag}{' without --bn' if bn else ''}: predicted δ ratio {ratio:.2g}{instead}"
    return (
        f"fewer layers{'' if bn else ', or --bn'}: theory knows no level initialisation for {act}"
    )


def _ratio(setting: Setting, **changes: object) -> float | None:
    """The predicted delta ratio; None where theory has none."""
    try:
        return setting.predict(**changes).delta_ratio
    except SpecError:
        return None


def _is_level(setting: Setting, ratio: float | None) -> bool:
    """Within a factor of 3 of what the widths alone make of it: delta spreads over more or fewer units."""
    first, last = setting.network.hidden[0], setting.network.hidden[-1]
    return (
        ratio is not None and ratio > 0 and abs(math.log10(ratio * math.sqrt(first / last))) < 0.5
    )


def _saturated(setting: Setting, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    if not catalog.ACTIVATIONS[setting.network.act].bounded:
        return
    shares = dict(zip(setting.network.layers(), _expected_flat(setting), strict=False))
    expected = [shares[layer.layer] for layer in layers[:-1]]
    excess = [
        layer.saturated_fraction - share for layer, share in zip(layers[:-1], expected, strict=True)
    ]
    worst = max(range(len(excess)), key=excess.__getitem__)
    if excess[worst] > EXCESS_FLAT:
        layer = layers[worst]
        evidence = (
            f"{layer.saturated_fraction:.0%} of its outputs are where {setting.network.act} is flat"
        )
        yield Finding(
            "saturated", layer.layer, evidence, _unsaturate(setting.network, expected[worst])
        )


def _unsaturate(network: NetworkSpec, expected: float) -> str:
    """What would keep units from where they are flat; `expected` is critical initialisation's share."""
    if network.init.startswith("critical"):
        return "lower --lr, or --bn with another --init"
    if network.bn:
        return f"lower --lr, or --init critical without --bn: predicted {expected:.0%} there"
    return f"--init critical: predicted {expected:.0%} there; or add --bn"


def _expected_flat(setting: Setting) -> list[float]:
    """Flat shares under critical initialisation; none are expected where there is no such thing."""
    nothing = [0.0] * len(setting.network.hidden)
    try:
        layers = setting.predict(init="critical", **PLAIN).layers[:-1]
    except SpecError:
        return nothing
    return [layer.saturated_fraction for layer in layers] or nothing


def _dead(act: str, layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    worst = max(layers[:-1], key=lambda layer: layer.dead_fraction)
    if worst.dead_fraction > DEAD_SHARE:
        evidence = (
            f"{worst.dead_fraction:.0%} of its units had slope 0 on every example of the epoch"
        )
        others = " or ".join(name for name in ("leaky-relu", "elu") if name != act)
        advice = f"lower --lr, or use --act {others}, whose units cannot die"
        yield Finding("dead", worst.layer, evidence, advice)


def _updates(layers: Sequence[LayerRecord]) -> Iterator[Finding]:
    known = [layer for layer in layers if math.isfinite(layer.update_ratio)]
    if not known:
        return
    largest = max(known, key=lambda layer: layer.update_ratio)
    smallest = min(known, key=lambda layer: layer.update_ratio)
    if largest.update_ratio > HUGE_UPDATE:
        evidence = f"a step is {largest.update_ratio:.1e} times as large as its weights"
        yield Finding(
            "exploding", largest.layer, evidence, "lower --lr, or add --clip-global-norm 1"
        )
    # Where no layer moves any more, training is over rather than stuck.
    if smallest.update_ratio < LOST_UPDATE < largest.update_ratio:
        evidence = (
            f"a step is {smallest.update_ratio:.1e} of its weights, lost in float32's rounding"
        )
        yield Finding(
            "frozen", smallest.layer, evidence, "mend what is above it first, or raise --lr"
        )


def _surprise(setting: Setting, initial: Sequence[LayerRecord]) -> Iterator[Finding]:
    """Theory and measurement before the first step far apart: bad scaling, or a bug."""
    try:
        prediction = setting.predict()
    except SpecError:
        return
    if prediction.reason:
        yield Finding("unpredicted", initial[0].layer, prediction.reason, INPUTS)
        return
    ratio = delta_ratio(initial)
    # A note is theory's own reservation: batch norm, or a variance that is unstable at these widths.
    if prediction.band is None or prediction.float32 or prediction.note or not 0 < ratio < math.inf:
        return
    low, high = prediction.band[0] / SURPRISE, prediction.band[1] * SURPRISE
    if not low <= ratio <= high:
        evidence = (
            f"δ ratio {ratio:.1e} at the first step, where theory has {prediction.delta_ratio:.1e}"
        )
        yield Finding("unpredicted", initial[0].layer, evidence, INPUTS)
