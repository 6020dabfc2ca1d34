"""What the options do to a run: norms, penalties, limits, noise, size."""

import math
from collections.abc import Iterator

from dnncli.diagnosis import chance, remedy
from dnncli.diagnosis.case import LARGE_STEP, MARGIN, Case
from dnncli.records import Finding, Remedy
from dnncli.records.diagnosis import MovingAverages, RunEvidence
from dnncli.spec import RunSpec

# Batch norm over one example subtracts the example itself: nothing is left but the offsets. Over
# two it leaves the sign of their difference.
SMALL_BATCH = 2
SOUND_BATCH = (
    32  # from here on batch statistics scatter by less than a fifth (Ioffe & Szegedy 2015 used 32)
)
# The share of a moving average that is still its start, 0 and 1, rather than the data's moments; a
# quarter shifts every unit by a quarter of its mean.
STALE = 0.25
# Of the held-out loss: what moving averages must add to it before it is worth another option.
WORTHWHILE = 0.1
FRESH = 1e-3  # what may be left of the start once a moving average has converged
# Kernels that shrink on the whole, while loss makes them grow in a network that learns: a tenth of
# the network's gain leaves logits too small to tell classes apart.
LOST_GAIN = 0.1
# Dropout above a half drops the majority of units, and its noise in a layer's sums exceeds the
# signal.
NOISY = 0.5
# A layer of one or two units: a line or a plane, in which few classes can be told apart.
NARROW = 2
# The sum of 1/width over the hidden layers: the logarithm of a signal's size scatters by about
# five times that at initialisation (Hanin 2018, Hanin & Nica 2019), and with it which units of a
# ReLU layer are active for any example. From 1 on layers are dead by chance; a quarter spares
# them.
SCATTERED = 1.0
SPARED = 0.25
# A quarter of a layer's units, dead without large steps, is chance's share in networks that thin;
# it is to blame where the network learned badly.
DYING = 0.25
# Penalties that pull less than a hundredth as hard as the loss at the first step leave the loss in
# charge.
MILD = 0.01
MANY = 1 << 20  # examples, where data are not known: no batch is small for lack of them


def normalisation(case: Case) -> Iterator[Finding]:
    """Batch norm over too few examples, and moving averages that have not converged."""
    network = case.run.network
    if not any(network.normalised()):
        return
    rows = case.data.rows if case.data else MANY
    batch = case.run.schedule.batch(rows)
    if batch <= SMALL_BATCH and (batch == 1 or case.impaired):
        spread = min((layer.activation_std for layer in case.layers[:-1]), default=math.nan)
        of = "one example" if batch == 1 else f"{batch} examples"
        evidence = f"batch norm over {of} leaves activations of spread {spread:.1g}"
        changes = {"batch_size": SOUND_BATCH}
        yield remedy.finding("normalisation", None, evidence, [Remedy(changes)])
        return
    yield from _stale(case)


def stale(run: RunSpec, evidence: RunEvidence) -> float:
    """The share of the best epoch's moving averages that is their start; 0 where that is little."""
    if not any(run.network.normalised()):
        return 0.0
    left = (run.network.bn_momentum or 0.0) ** _steps_to_best(evidence)
    return left if left > STALE else 0.0


def _steps_to_best(evidence: RunEvidence) -> int:
    return evidence.steps_per_epoch * max(1, evidence.best_epoch)


def _stale(case: Case) -> Iterator[Finding]:
    """Moving averages that remember their start, unless they were measured to do no harm."""
    left = stale(case.run, case.evidence)
    averages = case.evidence.averages
    if not left or (averages is not None and not _harmful(averages)):
        return
    momentum = case.run.network.bn_momentum or 0.0
    steps = _steps_to_best(case.evidence)
    needed = math.log(FRESH) / math.log(momentum)
    evidence = f"after {steps} steps {left:.0%} of the moving averages is still their start"
    if averages is not None:
        instead = f"{averages.loss:.2g}, with an epoch's own moments {averages.batch_loss:.2g}"
        evidence += f"; the held-out loss is {instead}"
    lower = min(0.9, remedy.round_down(FRESH ** (1 / steps)))
    reason = f"{momentum:g} needs {needed:,.0f} steps"
    change = Remedy({"bn_momentum": lower})
    yield remedy.finding("normalisation", None, evidence, [change], reason)


def _harmful(averages: MovingAverages) -> bool:
    """Whether moving averages raise the held-out loss, beyond chance and by what counts.

    5 % of chance are enough: that they remember their start speaks against them too.
    """
    certain = averages.standard_errors > chance.ONE_SIDED_95
    return certain and averages.loss > (1 + WORTHWHILE) * averages.batch_loss


def over_regularised(case: Case) -> Iterator[Finding]:
    """Penalties, limits or noise that are stronger than the loss, in a run that learned badly."""
    if not _underfits(case):
        return
    update = case.run.update
    if update.max_norm is not None:
        yield from _limited(case, update.max_norm)
    yield from _penalised(case)
    if case.run.network.dropout > NOISY:
        evidence = f"dropout keeps {1 - case.run.network.dropout:.0%} of the units: {_noise(case)}"
        yield remedy.finding("over-regularised", None, evidence, [Remedy({"dropout": 0.2})])


def _underfits(case: Case) -> bool:
    """Whether the training data themselves are learned badly."""
    if not case.impaired:
        return False
    if case.evidence.regression is not None:
        return case.evidence.regression.train.r2 < 0.9
    return case.outcome is not None and case.outcome.train.accuracy < 0.95


def _gain(case: Case) -> float:
    """How the product of the kernels' norms has changed since the first step."""
    if not case.initial:
        return 1.0
    logs = [
        math.log(max(last.weight_norm, 1e-30) / max(first.weight_norm, 1e-30))
        for first, last in zip(case.initial, case.layers, strict=True)
    ]
    return math.exp(min(50.0, math.fsum(logs)))


def _noise(case: Case) -> str:
    """How far a step's gradient is from the mean, as measured, or by dropout's own formula."""
    known = [layer.signal_to_noise for layer in case.first_epoch if layer.signal_to_noise]
    if known:
        return f"gradients scatter by {1 / max(known):.1f} times their mean"
    keep = 1 - case.run.network.dropout
    return f"its noise is {math.sqrt((1 - keep) / keep):.1f} times the signal"


def _penalised(case: Case) -> Iterator[Finding]:
    """Penalties of which the first step had too much; a hundredth of the loss's pull is left."""
    worst = max(
        case.initial or case.first_epoch, key=lambda layer: layer.penalty_share, default=None
    )
    if worst is None:
        return
    share = worst.penalty_share
    pull = share / (1 - share) if share < 1 else math.inf
    gain = _gain(case)
    if pull <= MILD or (gain >= LOST_GAIN and pull <= 1):
        return
    update = case.run.update
    options = [name for name in ("l1", "l2", "weight_decay") if getattr(update, name)]
    names = " and ".join(map(_flag, options))
    pulled = f"of {worst.layer}'s first step {share:.0%} came from {names} rather than the loss"
    evidence = f"{pulled}; the product of the kernels' norms fell to {gain:.1g} of its start"
    changes = {name: remedy.round_down(getattr(update, name) * MILD / pull) for name in options}
    without = Remedy(dict.fromkeys(options, 0.0))
    yield remedy.finding("over-regularised", None, evidence, [Remedy(changes), without])


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _limited(case: Case, limit: float) -> Iterator[Finding]:
    """A limit on the kernels' columns that is below what they begin with."""
    sizes = (*case.run.network.hidden, case.context.classes)
    norms = [
        layer.weight_norm / math.sqrt(units)
        for layer, units in zip(case.initial, sizes, strict=False)
    ]
    if not norms:
        return
    gain = math.prod(min(1.0, limit / norm) for norm in norms)
    if gain < LOST_GAIN:
        evidence = f"--max-norm {limit:g} is below the columns' first norm of {max(norms):.2g}"
        told = f"{evidence}: the layers together pass {gain:.1g} of what they would"
        above = math.ceil(2 * max(norms))
        changes = Remedy({"max_norm": float(above)})
        yield remedy.finding("over-regularised", None, told, [changes, Remedy({"max_norm": None})])


def under_capacity(case: Case) -> Iterator[Finding]:
    """Too few units, or none that bend, in a run that fits its training data badly."""
    if case.outcome is None and case.evidence.regression is None:
        return
    network = case.run.network
    narrowest = min(network.hidden)
    if narrowest > NARROW:
        yield from _too_deep_for_its_width(case)
        if network.act == "identity":
            yield from _linear(case)
    if not _underfits(case):
        return
    train = _training_fit(case)
    if narrowest <= NARROW:
        place = network.layers()[network.hidden.index(narrowest)]
        evidence = f"it has {narrowest} unit{'s' * (narrowest > 1)}, and {train}"
        wider = [max(units, _enough(case)) for units in network.hidden]
        yield remedy.finding("under-capacity", place, evidence, [Remedy({"hidden": wider})])


def _linear(case: Case) -> Iterator[Finding]:
    """A network of one linear layer's functions, whose errors something that bends would mend."""
    if case.outcome is not None and case.outcome.train.accuracy > 1 - MARGIN:
        return
    bend = case.outcome.bend if case.outcome else None
    bent = bend is not None and bend > chance.Z_99
    if not bent and not (_underfits(case) and _is_no_better_than_linear(case)):
        return
    evidence = f"the network is linear (--act identity), and {_training_fit(case)}"
    if bend is not None and bent:
        evidence += f"; held-out errors follow a bend of the features by {bend:.1f} standard errors"
    changes = {"act": "elu", "alpha": None, "init": "he-normal"}
    yield remedy.finding("under-capacity", None, evidence, [Remedy(changes)])


def _training_fit(case: Case) -> str:
    """How well the training examples are learned, in words."""
    if case.evidence.regression is not None:
        return f"R² on the training examples is {case.evidence.regression.train.r2:.2f}"
    assert case.outcome is not None
    return f"training accuracy is {case.outcome.train.accuracy:.0%}"


def _too_deep_for_its_width(case: Case) -> Iterator[Finding]:
    """Units that died by chance, in layers too narrow for their number."""
    hidden = case.run.network.hidden
    scatter = math.fsum(1 / units for units in hidden)
    small_steps = not case.largest_step > LARGE_STEP
    if scatter < SCATTERED or not small_steps:
        return
    worst = max(case.layers[:-1], key=lambda layer: layer.dead_fraction)
    if not case.units_lost and not (case.impaired and worst.dead_fraction > DYING):
        return
    dead = f"{worst.dead_fraction:.0%} of its units are dead"
    steps = f"steps are small ({case.largest_step:.1e} of the weights at most)"
    evidence = f"{dead} though {steps}: {len(hidden)} layers are too many for {min(hidden)} units"
    enough = round(len(hidden) / SPARED)
    wider = Remedy({"hidden": [max(units, enough) for units in hidden]})
    smooth = Remedy({"act": "elu", "alpha": None, "init": "auto"})
    yield remedy.finding("under-capacity", worst.layer, evidence, [wider, smooth])


def _enough(case: Case) -> int:
    """A width at which a bottleneck is none: several times the classes."""
    return max(32, 4 * case.context.classes)


def _is_no_better_than_linear(case: Case) -> bool:
    fit = case.evidence.regression
    if fit is not None:
        return (fit.neighbours or 0.0) > (fit.linear or 0.0)
    assert case.outcome is not None
    reference = case.outcome.reference
    return reference is not None and reference.neighbours > reference.linear
