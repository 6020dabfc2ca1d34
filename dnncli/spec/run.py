"""What a run is: frozen, validated records of every option, complete once constructed.

An option left at None takes the default its choice of activation, optimizer or schedule gives;
after construction no field is None unless that means "off". Fields are named as the options are.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from dnncli import catalog
from dnncli.errors import SpecError
from dnncli.freezing import FreezingSpec

Amount = int | float  # a count of examples (int) or a share of them (float in (0, 1))
WIDEST, DEEPEST = 1_000_000, 10_000  # units of a layer, hidden layers: more are a slip of the keys


def option(name: str) -> str:
    """A field's name as it stands on the command line."""
    return "--" + name.replace("_", "-")


def _check(holds: bool, name: str, value: object, need: str) -> None:
    if not holds:
        raise SpecError(f"{option(name)} {value}: must be {need}.")


def _check_number(spec: object, name: str, test: Callable[[float], bool], need: str) -> None:
    value = getattr(spec, name)
    if value is not None:
        _check(math.isfinite(value) and test(value), name, value, need)


def _check_numbers(spec: object, names: str, test: Callable[[float], bool], need: str) -> None:
    for name in names.split():
        _check_number(spec, name, test, need)


def _fill(spec: object, **values: object) -> None:
    """Set fields of a frozen dataclass that is still being constructed."""
    for name, value in values.items():
        object.__setattr__(spec, name, value)


@dataclass(frozen=True)
class DataSpec:
    """Which examples, split and scaled how."""

    data: str = "digits"
    target: str | None = None
    drop: str | None = None
    types: str | None = None
    where: str | None = None
    delimiter: str | None = None
    header: bool | None = None  # None: found out
    label_strip: str | None = None
    validation: Amount | None = None
    test: Amount | str | None = None  # a text is the path of a table of its own
    scale: str = "auto"
    classes: str | None = None
    per_class: int | None = None
    validation_per_class: int | None = None

    def __post_init__(self) -> None:
        """Resolve names and check amounts."""
        _fill(self, scale=catalog.resolve(catalog.SCALINGS, self.scale, "scaling").name)
        for name in ("target", "drop", "types", "where", "delimiter", "label_strip"):
            text = getattr(self, name)
            _check(text is None or (isinstance(text, str) and text != ""), name, text, "some text")
        for name in ("validation", "test"):
            _check_amount(name, getattr(self, name))
        if self.delimiter is not None:
            _fill(self, delimiter=self.delimiter.replace("\\t", "\t"))
            _check(
                len(self.delimiter) == 1 and self.delimiter not in '"\r\n',
                "delimiter",
                repr(self.delimiter),
                "one character, no quote",
            )
        _check_numbers(self, "per_class validation_per_class", lambda n: n >= 1, "at least 1")


def _check_amount(name: str, amount: Amount | str | None) -> None:
    if isinstance(amount, str):
        _check(name == "test" and amount != "", name, repr(amount), "a number of examples or a fraction")
    elif isinstance(amount, float):
        _check(0 < amount < 1, name, amount, "a number of examples or a fraction between 0 and 1")
    elif amount is not None:
        _check(amount >= 1, name, amount, "at least 1 example")


@dataclass(frozen=True)
class NetworkSpec:
    """A multilayer perceptron without its input and output sizes, which the data give.

    `below` counts layers of a larger network on which this one stands; it names its own accordingly.
    """

    hidden: tuple[int, ...] = (300, 100)
    act: str = "elu"
    alpha: float | None = None
    init: str = "auto"
    bn: bool = False
    bn_momentum: float | None = None
    bn_output: bool = False
    dropout: float = 0.0
    below: int = 0

    def __post_init__(self) -> None:
        """Resolve names, fill what the activation decides, and check sizes."""
        activation = catalog.resolve(catalog.ACTIVATIONS, self.act, "activation")
        if self.alpha is not None and activation.alpha is None:
            users = ", ".join(a.name for a in catalog.ACTIVATIONS.values() if a.alpha is not None)
            raise SpecError(f"--alpha {self.alpha:g}: {activation.name} has no alpha. It is for {users}.")
        if self.bn_momentum is not None and not (self.bn or self.bn_output):
            raise SpecError(f"--bn-momentum {self.bn_momentum:g}: has no use without --bn or --bn-output.")
        _check(len(self.hidden) + self.below >= 1, "hidden", self.hidden, "at least one layer")
        fits = all(1 <= n <= WIDEST for n in self.hidden)
        _check(fits, "hidden", _joined(self.hidden[:9]), f"sizes from 1 to {WIDEST:,}")
        _check(len(self.hidden) <= DEEPEST, "depth", len(self.hidden), f"at most {DEEPEST:,} layers")
        _check_number(self, "alpha", lambda a: abs(a) < 1e6, "a finite number")
        if activation.name in ("elu", "celu"):
            _check_number(self, "alpha", lambda a: a > 0, "greater than 0")
        _check_number(self, "bn_momentum", lambda m: 0 <= m < 1, "in [0, 1)")
        _check_number(self, "dropout", lambda p: 0 <= p < 1, "in [0, 1)")
        init = activation.init if self.init == "auto" else self.init
        normalised = self.bn or self.bn_output
        _fill(
            self,
            act=activation.name,
            init=catalog.resolve(catalog.INITIALIZERS, init, "initialiser").name,
            alpha=activation.alpha if self.alpha is None else float(self.alpha),
            bn_momentum=0.9 if normalised and self.bn_momentum is None else self.bn_momentum,
        )

    def layers(self) -> tuple[str, ...]:
        """The layers' names from the input up: hidden1 … hiddenN, output."""
        return (*(f"hidden{self.below + i + 1}" for i in range(len(self.hidden))), "output")

    def normalised(self) -> tuple[bool, ...]:
        """Which layers have batch normalisation."""
        return (*(self.bn for _ in self.hidden), self.bn_output)


def _joined(sizes: tuple[int, ...]) -> str:
    return ",".join(map(str, sizes))


@dataclass(frozen=True)
class UpdateSpec:
    """What happens to the parameters in one step, the learning rate aside."""

    optimizer: str = "adam"
    momentum: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float | None = None
    max_norm: float | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    clip_global_norm: float | None = None

    def __post_init__(self) -> None:
        """Resolve the optimizer and fill what it decides."""
        optimizer = catalog.resolve(catalog.OPTIMIZERS, self.optimizer, "optimizer")
        if self.momentum is not None and optimizer.momentum is None:
            users = ", ".join(o.name for o in catalog.OPTIMIZERS.values() if o.momentum is not None)
            raise SpecError(
                f"--momentum {self.momentum:g}: {optimizer.name} has none to set. It is for {users}."
            )
        _check_number(self, "momentum", lambda m: 0 <= m < 1, "in [0, 1)")
        _check_numbers(self, "l1 l2 weight_decay", lambda x: x >= 0, "a finite number of at least 0")
        _check_numbers(
            self,
            "max_norm clip_value clip_norm clip_global_norm",
            lambda x: x > 0,
            "finite and greater than 0",
        )
        _fill(
            self,
            optimizer=optimizer.name,
            momentum=optimizer.momentum if self.momentum is None else float(self.momentum),
            weight_decay=optimizer.weight_decay if self.weight_decay is None else float(self.weight_decay),
        )


@dataclass(frozen=True)
class ScheduleSpec:
    """How long training goes on, in what batches, and the learning rate's course over it."""

    lr: float | None = None  # RunSpec fills it from the optimizer
    schedule: str = "constant"
    decay_rate: float | None = None
    decay_steps: int | None = None  # None with the exponential schedule: the whole run
    warmup: float = 0.0  # epochs of linear rise from 0
    batch_size: int = 64
    epochs: int = 40

    def __post_init__(self) -> None:
        """Resolve the schedule and refuse options that only another one uses."""
        schedule = catalog.resolve(catalog.SCHEDULES, self.schedule, "schedule")
        for other in catalog.SCHEDULES.values():
            for name in set(other.options) - set(schedule.options):
                if getattr(self, name) is not None:
                    raise SpecError(f"{option(name)}: only --schedule {other.name} uses it.")
        if self.warmup and schedule.name == "one-cycle":
            raise SpecError("--warmup: --schedule one-cycle has its own rise of the learning rate.")
        _check_number(self, "lr", lambda x: x > 0, "finite and greater than 0")
        _check_number(self, "decay_rate", lambda x: 0 < x <= 1, "in (0, 1]")
        _check_numbers(self, "decay_steps batch_size epochs", lambda x: x >= 1, "at least 1")
        _check_number(self, "warmup", lambda x: x >= 0, "a finite number of epochs")
        _check(self.warmup <= self.epochs, "warmup", self.warmup, f"at most the run's {self.epochs} epochs")
        rate = 0.1 if schedule.name == "exponential" and self.decay_rate is None else self.decay_rate
        _fill(self, schedule=schedule.name, decay_rate=rate)


@dataclass(frozen=True)
class StoppingSpec:
    """When training stops before its last epoch, and which epoch counts as the best."""

    patience: int | None = 10  # epochs without improvement; None: never stop early
    min_delta: float = 0.0
    monitor: str = "val-loss"

    def __post_init__(self) -> None:
        """Resolve the monitored figure."""
        _fill(self, monitor=catalog.resolve(catalog.MONITORS, self.monitor, "monitor").name)
        _check_number(self, "patience", lambda n: n >= 1, "at least 1 epoch")
        _check_number(self, "min_delta", lambda x: x >= 0, "a finite number of at least 0")


@dataclass(frozen=True)
class RunSpec:
    """One training run, whole: the same spec, data and machine give the same bytes."""

    data: DataSpec = field(default_factory=DataSpec)
    network: NetworkSpec = field(default_factory=NetworkSpec)
    update: UpdateSpec = field(default_factory=UpdateSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    stopping: StoppingSpec = field(default_factory=StoppingSpec)
    freezing: FreezingSpec = field(default_factory=FreezingSpec)
    seed: int = 0

    def __post_init__(self) -> None:
        """Fill the learning rate from the optimizer and check the seed."""
        _check(0 <= self.seed < 2**32, "seed", self.seed, "in [0, 2^32)")
        if self.schedule.lr is None:
            lr = catalog.OPTIMIZERS[self.update.optimizer].lr
            _fill(self, schedule=ScheduleSpec(**{**asdict(self.schedule), "lr": lr}))
        below = (f"hidden{i + 1}" for i in range(self.network.below))
        self.freezing.check((*below, *self.network.layers()), self.schedule.epochs)

    def options(self) -> dict[str, Any]:
        """Every resolved option in one flat dictionary, as JSON and config files hold it.

        Options about freezing are there where a run has frozen layers or layers of different rates.
        """
        groups = [getattr(self, name) for name in GROUPS]
        used = [group for group in groups if group != FreezingSpec()]
        flat = {name: getattr(group, name) for group in used for name in _options(type(group))}
        return {**flat, "hidden": list(self.network.hidden), "seed": self.seed}


GROUPS: dict[str, type] = {
    "data": DataSpec,
    "network": NetworkSpec,
    "update": UpdateSpec,
    "schedule": ScheduleSpec,
    "stopping": StoppingSpec,
    "freezing": FreezingSpec,
}


def _options(group: type) -> list[str]:
    """The options of a group: its fields, but for those that only the program sets."""
    return [f.name for f in fields(group) if f.name != "below"]


def from_options(options: Mapping[str, Any]) -> RunSpec:
    """The run that a flat dictionary of options describes; absent options take their defaults.

    Raises SpecError for an option no run has or a value that makes none.
    """
    known = {name: group for group, kind in GROUPS.items() for name in _options(kind)}
    unknown = sorted(set(options) - set(known) - {"seed"})
    if unknown:
        raise SpecError(f"no run has the option {option(unknown[0])}.")
    values: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for name, value in options.items():
        if name != "seed":
            values[known[name]][name] = _tuples(value)
    specs = {group: kind(**values[group]) for group, kind in GROUPS.items()}
    return RunSpec(**specs, seed=options.get("seed", 0))


def _tuples(value: Any) -> Any:
    """A value of JSON, its lists as the tuples that a spec holds (equal and hashable)."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
