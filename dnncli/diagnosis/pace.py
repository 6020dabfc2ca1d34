"""The size of a run's steps: too large, or too small to get anywhere, by what factor."""

import math
from collections.abc import Iterator

from dnncli.diagnosis import growth, regression, remedy
from dnncli.diagnosis.case import LARGE_STEP, Case
from dnncli.diagnosis.falling import ended_while_falling
from dnncli.diagnosis.rate_limit import rate_limit
from dnncli.diagnosis.units import saturated
from dnncli.records import Finding, Remedy
from dnncli.spec import catalog

# A loss over an epoch that is worse than twice that of knowing nothing: steps overshoot.
WORSE_THAN_NOTHING = 2.0
# Weights must move by about a tenth of their norm before a network of the usual widths does
# something else (the lazy regime's bound is of order 1/sqrt(width)); all the steps together must
# be able to.
SHORT_WAY = 0.1
# A training loss that has risen to so many times its lowest value has lost what was learned.
RELAPSE = 2.0
ADAPTIVE = ("adam", "adamw", "nadam", "rmsprop", "adagrad", "lamb", "lion")
GOOD_STEP = 1e-3  # of the weights: what healthy runs show
# Plain descent's steps shrink with the gradient, tenfold while a network learns: its first may be
# so much larger. Momentum makes those that follow 1/(1 - momentum) times as large.
FIRST_STEP = 1e-2
# Of the weights: how long the path of steps of one length must be to end as far away as the weights
# are long. A gradient's signal is about a third of its noise while a network learns; then signs
# agree by a quarter: erf(0.3 / sqrt(2)) = 0.24.
SIGN_PATH = 4.0
# A step limit is where oscillation begins; half of it is the fastest descent along that direction.
# With momentum a quarter: of 12 networks some fail from 0.7 of the limit on and 0.3 is best, while
# without it all train at the limit and fail from 3 to 8 of it (tests/benchmarks/rate_limit.md).
SAFE = 0.5
SAFE_WITH_MOMENTUM = 0.25


def unstable(case: Case) -> Iterator[Finding]:
    """Steps too large, where the first step was as it should be and what followed was not."""
    evidence = _overshoot(case)
    if evidence is None:
        return
    layer = _first_mover(case)
    remedies = [Remedy({"lr": rate}) for rate in slower_rates(case)]
    factor = float(case.run.schedule.lr or 0.0) / float(str(remedies[0].changes["lr"]))
    reason = f"{growth.times(factor)} times smaller{_limit(case)}"
    yield remedy.finding("unstable", layer, evidence, remedies, reason)


def _overshoot(case: Case) -> str | None:
    """What shows that steps are too large; None where nothing does."""
    if case.crash is not None:
        return case.crash.evidence
    if not case.epochs or ended_while_falling(case):
        return None
    if not (case.impaired or case.units_lost or _flattened(case)):
        return None
    largest = case.largest_step
    # Weights that hardly moved have overshot nothing: a loss that is large was so from the start.
    if case.start_known and case.travel < SHORT_WAY and largest <= LARGE_STEP:
        return None
    step = f"a step changed up to {largest:.1e} of the weights"
    first_loss = case.epochs[0].train_loss
    too_high = first_loss > WORSE_THAN_NOTHING * _untrained_loss(case)
    if too_high and (_first_way(case) >= SHORT_WAY or largest > LARGE_STEP):
        return f"the first epoch's loss was {first_loss:.2g}, worse than knowing nothing; {step}"
    lowest = min(epoch.train_loss for epoch in case.epochs)
    last = case.epochs[-1].train_loss
    if last > RELAPSE * lowest and last > case.blind_loss / 4 and largest > LARGE_STEP / 10:
        return f"the training loss fell to {lowest:.2g} and rose again to {last:.2g}; {step}"
    harmed = case.units_lost or _flattened(case) or case.learned.verdict != "unknown"
    if largest > LARGE_STEP and harmed:
        return f"{step} at once, where about a thousandth is healthy"
    return None


def _first_way(case: Case) -> float:
    """How far a layer went in the first epoch, over its weights' norm: its steps' length at most.

    Where that is next to nothing, the epoch's loss was as high before any step.
    """
    steps = case.evidence.steps_per_epoch
    return max(max(layer.update_ratio * steps, layer.distance or 0.0) for layer in case.first_epoch)


def _flattened(case: Case) -> bool:
    """Whether units are where their activation is flat, which they were not before any update."""
    if len(case.initial) < 2 or any(saturated(case.context, case.initial)):
        return False
    return any(saturated(case.context, case.layers))


def _untrained_loss(case: Case) -> float:
    """The loss before the first step where it was measured, and at least that of guessing.

    Of numbers: an untrained network's outputs are not near the mean as a softmax is near equal
    shares. Their variance q by theory adds to the targets', which is 1.
    """
    measured = case.evidence.initial_loss or 0.0
    if case.evidence.regression is not None:
        scattered = case.blind_loss * (1 + regression.output_variance(case.context))
        return max(scattered, measured)
    guessing = math.log(max(2, case.context.classes))
    return max(case.blind_loss, guessing, measured)


def _first_mover(case: Case) -> str | None:
    """The layer whose first step was the largest for its weights."""
    if not case.initial:
        return case.crash.layer if case.crash else None
    return max(case.initial, key=lambda layer: layer.update_ratio).layer


def slower_rates(case: Case) -> Iterator[float]:
    """Smaller rates, the one to try first: half of the measured limit, or the rule's usual rate."""
    rate = float(case.run.schedule.lr or 0.0)
    usual = _usual(case)
    sharpness = case.evidence.sharpness
    limit = sharpness.limit if sharpness else None
    if limit is not None and _safe(case) * limit < rate / 2:
        yield remedy.round_down(_safe(case) * limit)
    elif usual < rate / 2:
        yield usual
    yield remedy.round_down(rate / 10)


def _usual(case: Case) -> float:
    """The rule's usual rate.

    Lion's steps change every weight by the rate, whatever the gradient: which rate is usual depends
    on the weights. It is the one whose first step is a healthy share of them, or as much more as
    all steps together need to get anywhere.
    """
    usual = catalog.OPTIMIZERS[case.run.update.optimizer].lr
    first = max((layer.update_ratio for layer in case.initial), default=0.0)
    if case.run.update.optimizer != "lion" or not 0 < first < math.inf:
        return usual
    planned = case.evidence.steps_per_epoch * case.run.schedule.epochs
    share = min(FIRST_STEP, max(GOOD_STEP, SIGN_PATH / planned))
    fitting = float(case.run.schedule.lr or 0.0) * share / first
    return float(f"{fitting:.1g}")


def _safe(case: Case) -> float:
    """The share of the step limit with which training is fast and safe."""
    return SAFE_WITH_MOMENTUM if case.run.update.momentum else SAFE


def _limit(case: Case) -> str:
    """The rate from which on training goes wrong, in words."""
    limit = rate_limit(case)
    return "" if limit is None else f"; this network goes wrong from about {limit:.2g} on"


def slow(case: Case) -> Iterator[Finding]:
    """Steps so small that the weights cannot have got anywhere: by clipping, schedule or rate."""
    if not case.impaired or case.crash is not None or not case.epochs:
        return
    spent = _scheduled(case)
    if spent:
        yield spent
        return
    # A short way at a healthy pace is a run that is too short.
    if not case.travel < SHORT_WAY or case.path > case.steps * GOOD_STEP / 3:
        return
    way = f"in {case.steps:,} steps no hidden layer moved by more than {_way(case)}"
    clipped = _clipped(case, way)
    if clipped:
        yield clipped
        return
    layer = max(case.layers, key=lambda layer: layer.update_ratio)
    reason = (
        f"about {GOOD_STEP:g} of the weights a step is healthy, here it is {layer.update_ratio:.1e}"
    )
    rates = [Remedy({"lr": rate}) for rate in faster_rates(case)]
    yield remedy.finding("slow", None, way, rates, reason)


def _way(case: Case) -> str:
    """How far the weights got, and how well batches agreed on where to."""
    way = f"{case.travel:.1e} of its weights"
    if case.signal_to_noise is None:
        return way
    return f"{way} (gradients' signal to noise {case.signal_to_noise:.2g})"


def faster_rates(case: Case) -> Iterator[float]:
    """Larger rates: the rule's usual one, or one whose first step is a healthy one."""
    rate = float(case.run.schedule.lr or 0.0)
    usual = _usual(case)
    first = max((layer.update_ratio for layer in case.initial), default=0.0)
    left = 1 - (case.run.update.momentum or 0.0)
    fitting = rate * FIRST_STEP * left / first if first > 0 else usual
    best = usual if case.run.update.optimizer in ADAPTIVE else max(usual, fitting)
    sharpness = case.evidence.sharpness
    if sharpness is not None and sharpness.limit is not None:
        best = min(best, _safe(case) * sharpness.limit)
    if best <= 2 * rate:
        best = rate * 10
    yield remedy.round_down(best)


def _clipped(case: Case, way: str) -> Finding | None:
    """Clipping that leaves next to nothing of the gradient."""
    clipped = [epoch.clipped_fraction for epoch in case.epochs]
    if min(clipped) < 0.9 or not case.initial:
        return None
    update = case.run.update
    norm = math.sqrt(math.fsum(layer.gradient_norm**2 for layer in case.initial))
    names = [n for n in ("clip_value", "clip_norm", "clip_global_norm") if getattr(update, n)]
    # A norm's limit is held against the gradient's own norm, a value's against the same: its
    # largest entry is smaller still.
    limits = {name: remedy.round_down(max(norm, 1e-3)) for name in names}
    thresholds = ", ".join(f"--{n.replace('_', '-')} {getattr(update, n):g}" for n in names)
    evidence = f"{thresholds} cuts gradients of norm {norm:.2g} in every step: {way}"
    without: dict[str, object] = dict.fromkeys(names)
    raised = Remedy(dict(limits))
    return remedy.finding("slow", None, evidence, [raised, Remedy(without)])


def _scheduled(case: Case) -> Finding | None:
    """A schedule that leaves a tenth of the rate or less on average: a tenth of the run was used.

    What was learned before the rate was spent may be much or little.
    """
    rate = float(case.run.schedule.lr or 0.0)
    mean = math.fsum(epoch.learning_rate for epoch in case.epochs) / len(case.epochs)
    constant = case.run.schedule.schedule == "constant" and not case.run.schedule.warmup
    if constant or mean > rate / 10:
        return None
    told = f"no hidden layer moved by more than {_way(case)}"
    evidence = f"the schedule leaves {mean / rate:.1e} of the rate on average: {told}"
    changes: dict[str, object] = {"warmup": 0.0} if case.run.schedule.warmup else {}
    if case.run.schedule.schedule != "constant":
        changes |= {"schedule": "constant", "decay_rate": None, "decay_steps": None}
    return remedy.finding("slow", None, evidence, [Remedy(changes)])
