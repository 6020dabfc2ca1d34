"""The changes that a race tries: the findings' remedies, alone and in pairs, and some standbys."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from dnncli.diagnosis.remedy import flags
from dnncli.experiments.paired import Candidate
from dnncli.records import Finding
from dnncli.spec import RunSpec, catalog, from_options
from dnncli.spec.given import given_options

Changes = Mapping[str, object]

MOST_REMEDIES = 6  # tried alone
MOST_PAIRED = 3  # of them, each two tried together
RATE_FACTORS = (0.1, 10.0, 0.01, 100.0)
LOWER_FACTORS = (0.1, 0.01, 0.001)  # where the run diverges, and a larger rate would as well
SMALLEST_BATCH = 8  # with fewer examples batch norm has no batch and gradients are mostly noise
FEWEST_UNITS = 16
USUAL_UNITS = 100
# Options of steps, penalties and schedule, whose defaults train most networks.
TRAINING = (
    "optimizer",
    "l1",
    "l2",
    "weight_decay",
    "max_norm",
    "clip_value",
    "clip_norm",
    "clip_global_norm",
    "schedule",
    "warmup",
    "dropout",
    "bn_momentum",
)
NETWORK = ("act", "init", "bn", "bn_output")


def remedies(findings: Sequence[Finding]) -> list[Changes]:
    """The changes that findings propose: the first one of each, then their alternatives."""
    firsts = [finding.remedy for finding in findings if finding.remedy is not None]
    others = [remedy for finding in findings for remedy in finding.alternatives]
    return [remedy.changes for remedy in (*firsts, *others)]


def candidates(
    spec: RunSpec, proposed: Sequence[Changes], *, diverged: bool = False
) -> tuple[Candidate, ...]:
    """What to race against the run as it is, the most promising first.

    proposed: the findings' changes, those of the first cause first. diverged: whether the run does.
    Standbys follow, so that a run whose diagnosis is wrong can still be cured by trial. Whether a
    change makes a run at all, and another one than its predecessors, is left to `race.trials`.
    """
    alone = proposed[:MOST_REMEDIES]
    together = [{**a, **b} for a, b in combinations(proposed[:MOST_PAIRED], 2)]
    named: dict[str, Candidate] = {}
    for changes in (*alone, *_inputs(spec, diverged), *together, *_resets(spec), *_others(spec)):
        name = flags(changes)
        named.setdefault(name, Candidate(name, changes))
    return tuple(named.values())


def _inputs(spec: RunSpec, diverged: bool) -> Iterator[Changes]:
    """Changes of what goes into the program, which therefore cost no compilation."""
    given = given_options(spec)
    if "lr" in given:
        yield {"lr": catalog.OPTIMIZERS[spec.update.optimizer].lr}
    assert spec.schedule.lr is not None
    factors = LOWER_FACTORS if diverged else RATE_FACTORS
    for factor in factors:
        yield {"lr": float(f"{factor * spec.schedule.lr:.3g}")}
    if spec.network.init != "critical":
        yield {"init": "critical"}
    if "init" in given:
        yield {"init": "auto"}
    if spec.data.scale != "auto":
        yield {"scale": "auto"}


def _resets(spec: RunSpec) -> Iterator[Changes]:
    """Each option that was given put back to its default, then all of them together."""
    training = _defaults(spec, TRAINING)
    yield from ({name: value} for name, value in training.items())
    size = spec.schedule.batch_size
    if isinstance(size, int) and size < SMALLEST_BATCH:
        training["batch_size"] = RunSpec().schedule.batch_size
        yield {"batch_size": training["batch_size"]}
    optimizer = str(training.get("optimizer", spec.update.optimizer))
    training["lr"] = catalog.OPTIMIZERS[optimizer].lr
    yield training
    network = _defaults(spec, NETWORK)
    if network:
        yield {**training, **network}


def _others(spec: RunSpec) -> Iterator[Changes]:
    """Other networks."""
    network = spec.network
    if network.act != "elu":
        yield {"act": "elu"}
    yield {"bn": not network.bn}
    if network.act != "elu":
        yield {"act": "elu", "init": "critical"}
    if min(network.hidden) < FEWEST_UNITS:
        yield {"hidden": tuple(max(USUAL_UNITS, units) for units in network.hidden)}


def _defaults(spec: RunSpec, names: Sequence[str]) -> dict[str, object]:
    """The defaults of those options that the run was given otherwise."""
    given = given_options(spec)
    own = from_options({"preset": spec.preset}).options()
    defaults: dict[str, object] = {**own, "init": "auto", "bn_momentum": 0.9}
    return {name: defaults[name] for name in names if name in given}
