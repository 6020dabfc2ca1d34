"""What can be known before training, from the data, the options and theory: milliseconds, no JAX.

Only what cannot work, or works by luck, is found here; whether it did harm is seen after training.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

from dnncli.diagnosis import data_rules, remedy
from dnncli.diagnosis.configuration import (
    FRESH,
    LOST_GAIN,
    NARROW,
    SMALL_BATCH,
    SOUND_BATCH,
    STALE,
)
from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.flow import TRAINABLE_DECAY, level_remedies
from dnncli.diagnosis.pace import SHORT_WAY
from dnncli.errors import SpecError
from dnncli.records import Finding, Remedy
from dnncli.records.diagnosis import DataStatistics
from dnncli.spec import RunSpec
from dnncli.theory import variance

# A rate that has fallen to a thousandth after a tenth of the run leaves the rest of it without
# effect.
SPENT = 1e-3
TENTH = 0.1
# A majority from which on a network that always answers it looks good.
OVERWHELMING = 0.95
# Labels of identical rows that differ: a tenth of the answers is lost whatever the network.
CONTRADICTED = 0.1
# A linear network of several layers has one layer's functions; with one hidden layer it may be
# meant.
LINEAR_DEPTH = 2
# Rules that follow the gradient's size, which clipping therefore shortens.
PROPORTIONAL = ("sgd", "momentum", "nesterov")


def before(context: NetworkContext, data: DataStatistics) -> tuple[Finding, ...]:
    """What is wrong before the first step: data, then configuration, then initialisation."""
    run = context.run
    assert run is not None
    batch = run.schedule.batch(data.rows)
    steps = -(-data.rows // batch) * run.schedule.epochs
    return (
        *_data(run, data),
        *_normalisation(run, batch, steps),
        *_capacity(run),
        *_limits(context, run),
        *_clipping(context, run, steps),
        *_schedule(run, steps),
        *_initialisation(context),
    )


def _data(run: RunSpec, data: DataStatistics) -> Iterator[Finding]:
    if data.inputs.varying == 0 or not run.network.bn:
        yield from data_rules.inputs(data.inputs, run.data.scale)
    if data.targets is not None:
        if data.rows < data_rules.FEW_ROWS:
            evidence = f"{data.rows} training rows"
            yield Finding("few-examples", None, evidence, "no option helps: more rows are needed")
        return
    counts = data.classes.train
    rows = sum(counts)
    present = [count for count in counts if count]
    if rows < data_rules.FEW_ROWS * len(present):
        evidence = f"{rows} training rows for {len(present)} classes"
        yield Finding("few-examples", None, evidence, "no option helps: more rows are needed")
    share = max(counts) / rows
    if share > OVERWHELMING:
        evidence = f"always answering the largest class is right in {share:.1%}"
        advice = "look at the rare classes' recall rather than at accuracy"
        yield Finding("imbalance", None, evidence, advice)
    if data.classes.best_accuracy < 1 - CONTRADICTED and data.inputs.varying:
        best = f"at most {data.classes.best_accuracy:.0%} of the training rows"
        evidence = f"identical rows have different labels: {best} can be right"
        advice = "no option helps: give features that tell them apart"
        yield Finding("labels", None, evidence, advice)
    yield from data_rules.shared_rows(data)


def _normalisation(run: RunSpec, batch: int, steps: int) -> Iterator[Finding]:
    if not any(run.network.normalised()):
        return
    if batch <= SMALL_BATCH:
        evidence = f"batch norm over {batch} of the examples leaves nothing of them"
        change = Remedy({"batch_size": SOUND_BATCH})
        yield remedy.finding("normalisation", None, evidence, [change])
    momentum = run.network.bn_momentum or 0.0
    if momentum**steps > STALE:
        needed = math.log(FRESH) / math.log(momentum)
        told = f"{momentum:g} needs {needed:,.0f} steps, the run has {steps:,}"
        evidence = f"a moving average of momentum {told}"
        lower = min(0.9, remedy.round_down(FRESH ** (1 / steps)))
        yield remedy.finding("normalisation", None, evidence, [Remedy({"bn_momentum": lower})])


def _capacity(run: RunSpec) -> Iterator[Finding]:
    network = run.network
    narrowest = min(network.hidden)
    if narrowest < NARROW:
        place = network.layers()[network.hidden.index(narrowest)]
        wider = [max(units, 32) for units in network.hidden]
        evidence = f"everything passes through {narrowest} unit"
        yield remedy.finding("under-capacity", place, evidence, [Remedy({"hidden": wider})])
    if network.act == "identity" and len(network.hidden) >= LINEAR_DEPTH:
        evidence = f"{len(network.hidden)} layers of the identity are one linear layer"
        change = Remedy({"act": "elu", "alpha": None, "init": "auto"})
        yield remedy.finding("under-capacity", None, evidence, [change])


def _column_norms(context: NetworkContext) -> list[float]:
    """The norm of a unit's initial incoming weights in each layer: the root of sigma_w^2."""
    network = context.network
    if network.init.startswith("critical"):
        return []
    sizes = (context.features, *network.hidden, context.classes)
    return [
        math.sqrt(rows * variance(network.init, rows, units)) for rows, units in pairwise(sizes)
    ]


def _limits(context: NetworkContext, run: RunSpec) -> Iterator[Finding]:
    limit = run.update.max_norm
    norms = _column_norms(context)
    if limit is None or not norms:
        return
    gain = math.prod(min(1.0, limit / norm) for norm in norms)
    if gain < LOST_GAIN:
        first = f"the columns begin with a norm of {max(norms):.2g}"
        evidence = f"--max-norm {limit:g}, but {first}: {gain:.1g} of their product is left"
        changes = Remedy({"max_norm": float(math.ceil(2 * max(norms)))})
        without = Remedy({"max_norm": None})
        yield remedy.finding("over-regularised", None, evidence, [changes, without])


def _clipping(context: NetworkContext, run: RunSpec, steps: int) -> Iterator[Finding]:
    """Clipping with which all steps together cannot move the weights."""
    update = run.update
    limits = [limit for limit in (update.clip_norm, update.clip_global_norm) if limit]
    norms = _column_norms(context)
    if not limits or not norms or update.optimizer not in PROPORTIONAL:
        return
    momentum = update.momentum or 0.0
    farthest = min(limits) * float(run.schedule.lr or 0.0) * steps / (1 - momentum)
    units = (*context.network.hidden, context.classes)
    sizes = [norm * math.sqrt(count) for norm, count in zip(norms, units, strict=True)]
    way = farthest / min(sizes)
    if way < SHORT_WAY:
        told = f"all {steps:,} steps together move no layer by more than {way:.1e} of its weights"
        names = [name for name in ("clip_norm", "clip_global_norm") if getattr(update, name)]
        raised = Remedy(dict.fromkeys(names, 1.0))
        yield remedy.finding("slow", None, f"gradients are clipped so that {told}", [raised])


def _schedule(run: RunSpec, steps: int) -> Iterator[Finding]:
    schedule = run.schedule
    if schedule.schedule != "exponential" or schedule.decay_rate is None:
        return
    # Learning rate as a factor after a tenth of the run: decay_rate^(step / decay_steps).
    left = schedule.decay_rate ** (TENTH * steps / (schedule.decay_steps or steps))
    if left < SPENT:
        evidence = f"after a tenth of the run the schedule leaves {left:.1e} of the learning rate"
        changes = Remedy({"decay_steps": None})
        constant = {"schedule": "constant", "decay_rate": None, "decay_steps": None}
        yield remedy.finding("slow", None, evidence, [changes, Remedy(constant)])


def _initialisation(context: NetworkContext) -> Iterator[Finding]:
    """Gradients that theory predicts to vanish or to explode."""
    try:
        prediction = context.predict()
    except SpecError:
        return
    size = prediction.log10_delta_ratio
    if size is None or context.network.bn or context.is_level(prediction.delta_ratio):
        return
    limit = -math.log10(TRAINABLE_DECAY)
    if abs(size) < limit:
        return
    rule = "vanishing" if size < 0 else "exploding"
    evidence = f"theory predicts a δ ratio of 1e{size:.0f} before the first step"
    remedies = list(level_remedies(context))
    otherwise = "" if remedies else "fewer layers"
    yield remedy.finding(rule, "hidden1", evidence, remedies, otherwise)
