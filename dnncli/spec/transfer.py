"""What `transfer` does with a network's layers: which are kept, drawn anew, added and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dnncli.errors import SpecError
from dnncli.spec import GROUPS, DataSpec, NetworkSpec, RunSpec, catalog, freezing, from_options
from dnncli.spec.freezing import FreezingSpec
from dnncli.spec.objective import CLASSIFICATION, LOSSES, REGRESSION

ALL = "all"
AUTO = "auto"
HEADS = ("new", "keep")
INHERITED = ("update", "schedule", "stopping")  # groups of options that come from the parent's run
BY_OPTIMIZER = ("lr", "momentum", "weight_decay")  # defaults that another optimizer brings anew
BY_SCHEDULE = ("decay_rate", "decay_steps")


@dataclass(frozen=True)
class TransferSpec:
    """A transfer as it was asked for; layers are numbers from the bottom or names between commas.

    freeze, lr_decay: None where they were not given: no layer and 1, or with --keep auto what is
    best. options: those of the run that were given; all others come from the parent.
    """

    keep: str = ALL
    add: tuple[int, ...] = ()
    reinit: tuple[str, ...] = ()
    head: str | None = None  # None: kept where it can be
    freeze: str | None = None
    unfreeze: str = ""
    lr_decay: float | None = None
    seeds: int = 3
    baseline: bool = True
    cache: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be without the parent."""
        object.__setattr__(self, "add", tuple(self.add))
        object.__setattr__(self, "reinit", tuple(self.reinit))
        if self.add and min(self.add) < 1:
            raise SpecError(
                f"--add {','.join(map(str, self.add))}: a layer has at least one unit.",
                option="--add",
            )
        if self.head is not None and self.head not in HEADS:
            raise SpecError(f"--head {self.head}: must be new or keep.", option="--head")
        if self.seeds < 1:
            raise SpecError(f"--seeds {self.seeds}: must be at least 1.", option="--seeds")
        freezing.parse_schedule(self.unfreeze)
        FreezingSpec(lr_decay=self.decay)

    @property
    def decay(self) -> float:
        """The factor of the learning rate from a layer to the one below."""
        return 1.0 if self.lr_decay is None else self.lr_decay

    def config(self) -> dict[str, Any]:
        """Every option that only a transfer has, as JSON and config files hold it."""
        names = ("keep", "head", "unfreeze", "lr_decay", "seeds", "baseline", "cache")
        own = {name: getattr(self, name) for name in names}
        own["lr_decay"] = self.decay
        return {**own, "add": list(self.add), "reinit": list(self.reinit)}


@dataclass(frozen=True)
class Layout:
    """What becomes of each layer: names from the bottom, as the new network has them.

    kept: with the parent's weights, the output layer among them where it is. `run` is the new
    network's.
    """

    kept: tuple[str, ...]
    reinitialised: tuple[str, ...]
    run: RunSpec

    @property
    def reuses(self) -> bool:
        """Whether it is made of a parent's layers, and not the layout of a run from scratch."""
        return bool(self.kept or self.reinitialised)

    @property
    def frozen(self) -> tuple[str, ...]:
        """The layers that are frozen at first."""
        return self.run.freezing.freeze


def from_scratch(reused: Layout) -> Layout:
    """The same architecture and run with every layer drawn anew."""
    return Layout((), (), replace(reused.run, freezing=FreezingSpec()))


def data_spec(parent: DataSpec, given: Mapping[str, Any], scaling: str) -> DataSpec:
    """The data of the new task: the parent's own unless others are given, never scaled anew.

    Raises SpecError for another scaling than the kept layers know.
    """
    wanted = given.get("scale", "auto")
    if wanted not in ("auto", scaling, parent.scale):
        raise SpecError(
            f"--scale {wanted}: the kept layers were trained with --scale {scaling}; leave it out.",
            option="--scale",
        )
    own = {name: value for name, value in given.items() if name in _names(DataSpec)}
    base = DataSpec() if "data" in own else parent
    if "classes" in own:
        base = replace(base, class_weight=None)  # weights belong to the classes of their task
    if "target" in own:  # what another column is has to be found out
        own = {"task": "auto", **own}
    return replace(base, **{**own, "scale": parent.scale})


def layout(
    spec: TransferSpec,
    parent: RunSpec,
    data: DataSpec,
    *,
    same_classes: bool,
    depth: int | None = None,
) -> Layout:
    """The new network and its run; `depth` is how many layers --keep auto chose.

    Raises SpecError, naming the option, for layers that are not there or not kept.
    """
    names = parent.network.layers()[:-1]
    number = _kept(spec.keep, names) if depth is None else depth
    kept = names[:number]
    reinit = _named(spec.reinit, kept, "--reinit", "only kept layers can be drawn anew")
    hidden = (*parent.network.hidden[:number], *spec.add)
    head = _keeps_head(spec, hidden == parent.network.hidden and not spec.add, same_classes)
    network = replace(parent.network, hidden=hidden, **_network(spec.options, parent.network))
    weighted = tuple(name for name in kept if name not in reinit)
    if head:
        weighted = (*weighted, "output")
    frozen = _frozen(spec, kept, weighted)
    run = replace(_run(spec, parent, data), data=data, network=network)
    schedule = freezing.parse_schedule(spec.unfreeze)
    run = replace(run, freezing=FreezingSpec(frozen, schedule, spec.decay))
    return Layout(weighted, reinit, run)


def _kept(text: str, names: Sequence[str]) -> int:
    """How many hidden layers are kept, from the bottom."""
    if text == ALL:
        return len(names)
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) < 10 else len(names) + 1
        if not 1 <= number <= len(names):
            raise SpecError(
                f"--keep {text}: the network has {_listed(names)}; keep 1 to {len(names)}.",
                option="--keep",
            )
        return number
    wanted = [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in names:
            raise SpecError(
                f"--keep {name}: there is no such hidden layer; there are {', '.join(names)}.",
                option="--keep",
            )
    number = max(names.index(name) for name in wanted) + 1
    missing = [name for name in names[:number] if name not in wanted]
    if missing:
        raise SpecError(
            f"--keep {text}: {names[number - 1]} stands on {missing[-1]}; keep that too.",
            option="--keep",
        )
    return number


def _listed(names: Sequence[str]) -> str:
    """How many hidden layers there are, and their names."""
    return (
        f"{len(names)} hidden layers ({names[0]} … {names[-1]})"
        if len(names) > 1
        else "one hidden layer"
    )


def _named(wanted: Sequence[str], known: Sequence[str], option: str, rule: str) -> tuple[str, ...]:
    """The wanted ones of the known layers, from the bottom. Raises SpecError for others."""
    for name in wanted:
        if name not in known:
            raise SpecError(
                f"{option} {name}: {rule}: {', '.join(known) or 'there are none'}.", option=option
            )
    return tuple(name for name in known if name in wanted)


def _keeps_head(spec: TransferSpec, below: bool, same_classes: bool) -> bool:
    """Whether the output layer stays; `below`: all that stands below it does."""
    if spec.head != "keep":
        return spec.head is None and below and same_classes
    if not same_classes:
        raise SpecError(
            "--head keep: the classes are others than the network's; it needs a new output.",
            option="--head",
        )
    if not below:
        raise SpecError(
            "--head keep: the output layer stands on all hidden layers: --keep all, no --add.",
            option="--head",
        )
    return True


def _frozen(spec: TransferSpec, kept: Sequence[str], weighted: Sequence[str]) -> tuple[str, ...]:
    """The layers that --freeze means, of those that keep their weights."""
    text = spec.freeze or "0"
    if text == ALL:
        wanted: Sequence[str] = [name for name in kept if name in weighted]
    elif text.isascii() and text.isdigit():
        number = int(text) if len(text) < 10 else len(kept) + 1
        if number > len(kept):
            raise SpecError(
                f"--freeze {text}: only kept layers can be frozen, and {len(kept)} are.",
                option="--freeze",
            )
        wanted = kept[:number]
    else:
        wanted = [name.strip() for name in text.split(",")]
    drawn = next((name for name in wanted if name in kept and name not in weighted), None)
    if drawn:
        raise SpecError(
            f"--freeze {text}: {drawn} is drawn anew by --reinit; frozen it would never learn.",
            option="--freeze",
        )
    return _named(wanted, weighted, "--freeze", "only kept layers can be frozen")


def _network(given: Mapping[str, Any], parent: NetworkSpec) -> dict[str, Any]:
    """What may be given anew of the network; its activation and batch norm come with the layers."""
    own = {name: given[name] for name in ("init", "dropout", "precision") if name in given}
    if own.get("init") == "auto":
        own["init"] = catalog.ACTIVATIONS[parent.act].init
    return own


def _run(spec: TransferSpec, parent: RunSpec, data: DataSpec) -> RunSpec:
    """How the new network is trained: as the parent was, but for the options given.

    The loss of another task is left to the new one.
    """
    own = parent.options()
    options = {name: own[name] for group in INHERITED for name in _names(GROUPS[group])}
    if "optimizer" in spec.options:
        options = {name: value for name, value in options.items() if name not in BY_OPTIMIZER}
    if "schedule" in spec.options:
        options = {name: value for name, value in options.items() if name not in BY_SCHEDULE}
    task = REGRESSION if data.task == REGRESSION else CLASSIFICATION
    if LOSSES[options["loss"]].task not in ("", task):
        options["loss"] = AUTO
    known = {*options, *BY_OPTIMIZER, *BY_SCHEDULE, "seed"}
    return from_options(
        options | {name: value for name, value in spec.options.items() if name in known}
    )


def _names(kind: type) -> list[str]:
    """The names of a dataclass's fields."""
    return [f.name for f in fields(kind)]
