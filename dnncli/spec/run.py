"""One training run, whole, and the flat dictionary of options that it is written as.

An option left at None takes the default its choice of activation, optimizer or schedule gives;
after construction no field is None unless that means "off". Fields are named as the options are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from dnncli.errors import SpecError
from dnncli.spec import catalog, checks, monitors, objective, presets
from dnncli.spec.data import DataSpec
from dnncli.spec.decision import DecisionSpec
from dnncli.spec.freezing import FreezingSpec
from dnncli.spec.network import FLOAT32, NetworkSpec
from dnncli.spec.training import ScheduleSpec, StoppingSpec, UpdateSpec

WIDTH = 100  # of each of --depth layers


@dataclass(frozen=True)
class RunSpec:
    """One training run, whole: the same spec, data and machine give the same bytes.

    preset: whose options the others are, but for those that were given; `from_options` fills them.
    """

    data: DataSpec = field(default_factory=DataSpec)
    network: NetworkSpec = field(default_factory=NetworkSpec)
    update: UpdateSpec = field(default_factory=UpdateSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    stopping: StoppingSpec = field(default_factory=StoppingSpec)
    freezing: FreezingSpec = field(default_factory=FreezingSpec)
    decision: DecisionSpec = field(default_factory=DecisionSpec)
    preset: str = presets.PLAIN
    seed: int = 0

    def __post_init__(self) -> None:
        """Fill the learning rate from the optimizer; check the preset, the seed and the loss."""
        checks.fill(self, preset=presets.resolve(self.preset).name)
        checks.check(0 <= self.seed < 2**32, "seed", self.seed, "in [0, 2^32)")
        if self.schedule.lr is None:
            lr = catalog.OPTIMIZERS[self.update.optimizer].lr
            checks.fill(self, schedule=ScheduleSpec(**{**asdict(self.schedule), "lr": lr}))
        below = (f"hidden{i + 1}" for i in range(self.network.below))
        self.freezing.check((*below, *self.network.layers()), self.schedule.epochs)
        objective.check(self.data.task, self.update.loss)
        monitors.check(self.stopping.monitor, self.data.task)

    @property
    def loss(self) -> str:
        """The loss; auto is that of the task, which is classification unless it says otherwise."""
        return objective.default(self.data.task, self.update.loss)

    def resolved(self, task: str) -> "RunSpec":
        """The run on data whose target makes this task: a regression says so, and by which loss.

        Raises SpecError for a loss or a monitored metric of the other task.
        """
        objective.check(task, self.update.loss)
        monitors.check(self.stopping.monitor, task)
        if task != objective.REGRESSION:
            return self
        data = replace(self.data, task=task)
        update = replace(self.update, loss=objective.default(task, self.update.loss))
        return replace(self, data=data, update=update)

    def options(self) -> dict[str, Any]:
        """Every resolved option in one flat dictionary, as JSON and config files hold it.

        Options about freezing are there where a run has frozen layers or layers of different rates,
        threshold and calibration where one was asked for, those of UNSAID where they differ.
        """
        groups = [getattr(self, name) for name in GROUPS]
        used = [group for group in groups if group not in (FreezingSpec(), DecisionSpec())]
        flat = {name: getattr(group, name) for group in used for name in _options(type(group))}
        for name, usual in UNSAID.items():
            if flat[name] == usual:
                del flat[name]
        own = {"preset": self.preset, "seed": self.seed}
        return {**flat, "hidden": list(self.network.hidden), **own}


GROUPS: dict[str, type] = {
    "data": DataSpec,
    "network": NetworkSpec,
    "update": UpdateSpec,
    "schedule": ScheduleSpec,
    "stopping": StoppingSpec,
    "freezing": FreezingSpec,
    "decision": DecisionSpec,
}
OWN = ("preset", "seed")  # options of no group
# Options that are left out where they have these values, which older checkpoints do not name.
UNSAID = {"ensemble": 1, "precision": FLOAT32, "memory": None}


def _options(group: type) -> list[str]:
    """The options of a group: its fields, but for those that only the program sets."""
    return [f.name for f in fields(group) if f.name != "below"]


def from_options(options: Mapping[str, Any]) -> RunSpec:
    """The run that a flat dictionary of options describes; absent ones are those of its preset.

    Raises SpecError for an option no run has or a value that makes none.
    """
    known = {name: group for group, kind in GROUPS.items() for name in _options(kind)}
    unknown = sorted(set(options) - set(known) - set(OWN))
    if unknown:
        option = checks.option(unknown[0])
        raise SpecError(f"no run has the option {option}.", option=option)
    values: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    own = {}
    for name, value in presets.fill(options).items():
        if name in OWN:
            own[name] = value
        else:
            values[known[name]][name] = _tuples(value)
    specs = {group: kind(**values[group]) for group, kind in GROUPS.items()}
    return RunSpec(**specs, **own)


def resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as people give them, as `from_options` takes them: sizes in `hidden`, no patience 0.

    Raises SpecError where --depth and --width do not give sizes.
    """
    given = dict(options)
    depth = given.pop("depth", None)
    width = given.pop("width", None)
    if depth is not None:
        if "hidden" in given:
            raise SpecError("--depth and --hidden exclude each other.", option="--depth")
        if depth < 1 or (width is not None and width < 1):
            raise SpecError("--depth and --width must be at least 1.", option="--depth")
        given["hidden"] = (width or WIDTH,) * depth
    elif width is not None:
        raise SpecError("--width has no use without --depth.", option="--width")
    if given.get("patience") == 0:
        given["patience"] = None
    return given


def _tuples(value: Any) -> Any:
    """A value of JSON, its lists as the tuples that a spec holds (equal and hashable)."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
