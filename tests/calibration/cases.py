"""Sick networks and their mended twins, and healthy ones: the same list every time.

A sick case is a fault of a known kind, at some strength, on one kind of data; its twin is the same
run without the fault. Which kinds of data, activations and optimizers meet goes round in turn, by
position. That a case is sick is measured (`measuring.py`), not believed: it counts where its twin
learned and is better by `MARGIN`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from calibration.tables import KINDS, NUMERIC, Recipe

MARGIN = 0.05
Options = dict[str, str]

# What every run has besides: small, and enough to learn each kind of data.
BASE: Options = {"hidden": "32,16", "batch-size": "32", "epochs": "40"}
HARD: dict[str, Options] = {"spirals": {"hidden": "48,24", "epochs": "100"}}
RATES = {"sgd": 0.1, "momentum": 0.03, "adam": 0.003, "rmsprop": 0.001, "lion": 0.0005}
ACTS = ("relu", "elu", "tanh", "swish", "leaky-relu", "selu")


@dataclass(frozen=True)
class Run:
    """A table and the options of `train`."""

    recipe: Recipe
    options: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, recipe: Recipe, options: Options) -> "Run":
        """The run with these options, in the order of their names."""
        return cls(recipe, tuple(sorted(options.items())))


@dataclass(frozen=True)
class Case:
    """A sick run with its true cause and twin, or a healthy one (`truth` None, its own twin).

    `curable`: whether options alone can mend it; else it is the data that must change.
    """

    name: str
    run: Run
    twin: Run
    truth: str | None = None
    curable: bool = True

    @property
    def half(self) -> str:
        """`design` or `evaluation`: the parity of SHA-256's first byte of the name without its end.

        All strengths of a fault on one kind of data are in one half, or one would tell the other.
        """
        group = self.name.rsplit("/", 1)[0]
        return ("design", "evaluation")[hashlib.sha256(group.encode()).digest()[0] % 2]


def base(kind: str, optimizer: str = "adam") -> Options:
    """Options with which this kind of data is learned."""
    rate = {"optimizer": optimizer, "lr": f"{RATES[optimizer]:g}"}
    return BASE | HARD.get(kind, {}) | rate | {"act": act_of(kind, optimizer)}


def act_of(kind: str, optimizer: str) -> str:
    """Activations go round: the same for all faults, which then share compiled programs."""
    turn = list(KINDS).index(kind) + list(RATES).index(optimizer)
    return ACTS[turn % len(ACTS)]


def sick() -> list[Case]:
    """Every candidate; some turn out to be harmless when they are measured."""
    makers = (_steps, _epochs, _inputs, _data, _clipped, _penalties, _normalisation, _capacity)
    return [case for maker in (*makers, _initialisation) for case in maker()]


def healthy() -> list[Case]:
    """Candidates on every kind of data: optimizers, activations, depths, norms and dropout."""
    cases = {}
    for kind in KINDS:
        for name, options in _healthy_options(kind):
            run = Run.of(Recipe(kind), options)
            cases[run] = Case(f"healthy/{kind}/{name}/0", run, run)
    return list(cases.values())


def _healthy_options(kind: str) -> Iterator[tuple[str, Options]]:
    for optimizer in RATES:
        yield optimizer, base(kind, optimizer)
        yield f"{optimizer} half", base(kind, optimizer) | _rate(optimizer, 0.5)
    for act in ACTS:
        yield act, base(kind) | {"act": act}
    deep = {"hidden": ",".join(["32"] * 6)}
    yield "deep", base(kind) | {"act": "elu"} | deep
    yield "deep tanh", base(kind) | {"act": "tanh"} | deep
    yield "batch norm", base(kind) | {"bn": ""}
    yield "dropout", base(kind) | {"dropout": "0.1"}
    yield "l2", base(kind) | {"l2": "0.0001"}
    yield "cosine", base(kind) | {"schedule": "cosine"}
    yield "clipped", base(kind) | {"clip-global-norm": "5"}
    yield "wide", base(kind) | {"hidden": "100,50"}


def _rate(optimizer: str, factor: float) -> Options:
    return {"lr": f"{RATES[optimizer] * factor:g}"}


def _case(
    truth: str, group: str, strength: object, run: Run, twin: Run, curable: bool = True
) -> Case:
    name = f"{truth}/{run.recipe.kind}/{group}/{strength}"
    return Case(name, run, twin, truth, curable)


def _changed(truth: str, kind: str, group: str, options: Options, changes: Options) -> Case:
    """A case whose fault is in the options: its twin has not the changes."""
    strength = next(iter(changes.values()))
    run = Run.of(Recipe(kind), options | changes)
    return _case(truth, group, strength, run, Run.of(Recipe(kind), options))


def _steps() -> Iterator[Case]:
    """Learning rates too large and too small, by powers of ten."""
    for kind in KINDS:
        for optimizer in RATES:
            options = base(kind, optimizer)
            for factor in (30, 300, 3000):
                yield _changed("rate-large", kind, optimizer, options, _rate(optimizer, factor))
            for factor in (1e-3, 1e-5):
                yield _changed("rate-small", kind, optimizer, options, _rate(optimizer, factor))


def _epochs() -> Iterator[Case]:
    for place, kind in enumerate(KINDS):
        optimizer = ("adam", "momentum", "rmsprop")[place % 3]
        options = base(kind, optimizer)
        for epochs in (1, 2):
            yield _changed("epochs", kind, optimizer, options, {"epochs": str(epochs)})


def _inputs() -> Iterator[Case]:
    """Inputs that only the twin scales: large, far from 0, or one far beyond the others."""
    strengths = {"times": (1e-4, 1e3, 1e6), "offset": (30, 1000), "one_large": (1e3, 1e6)}
    for place, kind in enumerate(NUMERIC):
        for turn, (fault, values) in enumerate(strengths.items()):
            optimizer = ("adam", "sgd", "momentum")[(place + turn) % 3]
            options = base(kind, optimizer)
            for strength in values:
                recipe = Recipe(kind).with_fault(fault, strength)
                run = Run.of(recipe, options | {"scale": "none"})
                twin = Run.of(recipe, options | {"scale": "standard"})
                yield _case("inputs-scale", f"{fault} {optimizer}", strength, run, twin)


DATA_FAULTS = (
    ("inputs-scale", "outliers", (1e3, 1e5)),
    ("inputs-constant", "constant", (0.0, 3.0)),
    ("inputs-row-number", "row_number", (1.0,)),
    ("inputs-leak", "leak", (0.0, 0.1)),
    ("labels-random", "noisy", (1.0,)),
    ("labels-noisy", "noisy", (0.3, 0.6)),
    ("labels-doubled", "doubled", (1.0, 2.0)),
    ("rare-class", "rare", (0.01, 0.03)),
    ("few-rows", "few", (2.0, 4.0)),
)


def _data() -> Iterator[Case]:
    """What no option mends: the twin has other data. A column that tells too much is dropped."""
    for truth, fault, strengths in DATA_FAULTS:
        for kind in NUMERIC:
            options = base(kind)
            # A rare class is one against the others: so is it in the twin, with all of its rows.
            twin = Recipe(kind).with_fault("rare", 1.0) if fault == "rare" else Recipe(kind)
            for strength in strengths:
                run = Run.of(Recipe(kind).with_fault(fault, strength), options)
                pair = (run, Run.of(twin, options))
                yield _case(truth, fault, strength, *pair, curable=fault == "leak")


def _clipped() -> Iterator[Case]:
    """Clipping and schedules that let the weights travel nowhere."""
    for place, kind in enumerate(KINDS):
        options = base(kind, ("sgd", "momentum")[place % 2])
        for clip in ("1e-6", "1e-4"):
            yield _changed("clipped", kind, "global norm", options, {"clip-global-norm": clip})
        yield _changed("clipped", kind, "value", options, {"clip-value": "1e-6"})
        for steps in ("1", "5"):
            decay = {"decay-steps": steps, "schedule": "exponential", "decay-rate": "0.1"}
            yield _changed("schedule", kind, "exponential", options, decay)


def _penalties() -> Iterator[Case]:
    """Penalties, limits and noise that are stronger than what the loss asks for."""
    for place, kind in enumerate(KINDS):
        options = base(kind, ("adam", "sgd")[place % 2])
        for strength in ("0.3", "3"):
            yield _changed("penalty", kind, "l2", options, {"l2": strength})
        yield _changed("penalty", kind, "l1", options, {"l1": "0.1"})
        decayed = base(kind) | {"optimizer": "adamw"}
        yield _changed("penalty", kind, "weight decay", decayed, {"weight-decay": "50"})
        for strength in ("0.01", "0.1"):
            yield _changed("penalty", kind, "max-norm", options, {"max-norm": strength})
        for strength in ("0.9", "0.97"):
            yield _changed("dropout", kind, "dropout", options, {"dropout": strength})


def _normalisation() -> Iterator[Case]:
    """Batch norm over one example, and moving averages that never forget the start."""
    for kind in KINDS:
        options = base(kind) | {"bn": ""}
        shorter = options | {"epochs": "8"}
        yield _changed("normalisation", kind, "batch of one", shorter, {"batch-size": "1"})
        for momentum in ("0.999", "0.9999"):
            yield _changed("normalisation", kind, "momentum", options, {"bn-momentum": momentum})


def _capacity() -> Iterator[Case]:
    """Networks that are only linear, and layers of one unit."""
    for kind in KINDS:
        options = base(kind)
        changes = {"act": "identity"}
        if kind in ("spirals", "bits", "mixed"):
            for depth, hidden in ((2, options["hidden"]), (6, ",".join(["32"] * 6))):
                deep = options | {"hidden": hidden}
                yield _changed("linear", kind, f"depth {depth}", deep, changes)
        for hidden in ("1", "32,1,16"):
            yield _changed("bottleneck", kind, "units", options, {"hidden": hidden})


def _initialisation() -> Iterator[Case]:
    """Weights far too large, or so small that nothing is left at the bottom; deep, to be felt."""
    for kind in KINDS:
        for group, act, depth, init in (
            ("normal", "relu", 20, "normal"),
            ("normal", "tanh", 10, "normal"),
            ("xavier", "sigmoid", 12, "xavier"),
            ("uniform", "tanh", 20, "uniform"),
            ("uniform", "relu", 20, "uniform"),
        ):
            options = base(kind) | {"act": act}
            options |= {"hidden": ",".join(["32"] * depth), "lr": "0.001", "init": "critical"}
            truth = "init-large" if init == "normal" else "init-small"
            run = Run.of(Recipe(kind), options | {"init": init})
            yield _case(truth, f"{group} {act}", depth, run, Run.of(Recipe(kind), options))
