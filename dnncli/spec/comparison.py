"""What a comparison trains: activations crossed with initialisers, each at every learning rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dnncli.errors import SpecError
from dnncli.spec import RunSpec, catalog, checks, from_options
from dnncli.spec.objective import REGRESSION


@dataclass(frozen=True)
class Combination:
    """One row of the table: an activation and an initialiser as the user spelled them.

    `runs` are the first seed's, one a learning rate. `init` is what auto stands for, where it was
    auto.
    """

    name: str
    act: str
    init: str
    runs: tuple[RunSpec, ...]


@dataclass(frozen=True)
class ComparisonSpec:
    """A comparison: what varies, and the options of `spec.from_options` that all runs share.

    An activation may carry its alpha: `elu:0.5`. Raises SpecError for what makes no comparison.
    """

    acts: tuple[str, ...]
    inits: tuple[str, ...] = ("auto",)
    lrs: tuple[float, ...] = ()  # none: the optimizer's own
    seeds: int = 5
    baseline: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every list, every run and the baseline's name."""
        acts = _distinct("--acts", self.acts)
        inits = _distinct("--inits", self.inits)
        checks.fill(self, acts=acts, inits=inits)
        _check_names(acts, inits)
        if len(set(self.lrs)) < len(self.lrs):
            raise SpecError(
                f"--lrs {','.join(f'{lr:g}' for lr in self.lrs)}: a rate stands twice.",
                option="--lrs",
            )
        if self.lrs and "lr" in self.options:
            raise SpecError(
                "--lr and --lrs exclude each other: list all rates in --lrs.", option="--lr"
            )
        if self.seeds < 2:
            raise SpecError(
                f"--seeds {self.seeds}: must be at least 2 (5 for p-values); one proves little.",
                option="--seeds",
            )
        last = self.combinations()[0].runs[0].seed + self.seeds - 1
        if last >= 2**32:
            raise SpecError(
                f"--seeds {self.seeds}: the last seed would be {last}, and seeds end at 2^32 - 1.",
                option="--seeds",
            )
        if self.baseline is not None:
            checks.fill(self, baseline=self._row(self.baseline))

    def _row(self, name: str) -> str:
        """The name of the row that --baseline means."""
        names = [combination.name for combination in self.combinations()]
        if _spelling(name) not in names:
            raise SpecError(
                f"--baseline {name}: no row is called that. There are {', '.join(names)}.",
                option="--baseline",
            )
        return _spelling(name)

    def combinations(self) -> tuple[Combination, ...]:
        """The table's rows in the order given; `auto` and the initialiser it means share a row."""
        rows: dict[tuple[str, str], Combination] = {}
        for act in self.acts:
            for init in self.inits:
                runs = self._runs(act, init)
                label = runs[0].network.init if init == "auto" else init
                name = act if len(self.inits) == 1 else f"{act}/{label}"
                rows.setdefault((act, label), Combination(name, act, label, runs))
        return tuple(rows.values())

    def _runs(self, act: str, init: str) -> tuple[RunSpec, ...]:
        """The first seed's runs of one row, one a learning rate."""
        name, colon, alpha = act.partition(":")
        options = {**self.options, "act": name, "init": init}
        if colon:
            options["alpha"] = _alpha(act, alpha)
        rates = [{"lr": lr} for lr in self.lrs] or [{}]
        return tuple(from_options({**options, **rate}) for rate in rates)

    def resolved(self, task: str) -> "ComparisonSpec":
        """The comparison on data whose target makes this task, as `RunSpec.resolved`."""
        run = self.combinations()[0].runs[0].resolved(task)
        if run.data.task != REGRESSION:
            return self
        return replace(self, options={**self.options, "task": task, "loss": run.loss})

    def config(self) -> dict[str, Any]:
        """Every resolved option that all runs share, and what varies."""
        shared = self.combinations()[0].runs[0].options()
        for name in ("act", "alpha", "init", "lr"):
            del shared[name]
        varied = {"acts": list(self.acts), "inits": list(self.inits), "lrs": list(self.lrs)}
        return {**shared, **varied, "seeds": self.seeds, "baseline": self.baseline}


def _spelling(name: str) -> str:
    """A name in the catalog's style: lower case, with hyphens."""
    return name.strip().lower().replace("_", "-")


def _distinct(option: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names as they were spelled; an alias makes a row of its own."""
    spelled = tuple(map(_spelling, names))
    if not spelled:
        raise SpecError(f"{option}: at least one name is needed.", option=option)
    for index, name in enumerate(spelled):
        if name in spelled[:index]:
            raise SpecError(f"{option}: {name} stands twice.", option=option)
    return spelled


def _check_names(acts: Sequence[str], inits: Sequence[str]) -> None:
    """Raise UnknownNameError for a name that is not in the catalog."""
    for act in acts:
        name, _, _ = act.partition(":")
        catalog.resolve(catalog.ACTIVATIONS, name, "activation", "--acts")
    for init in inits:
        if init != "auto":
            catalog.resolve(catalog.INITIALIZERS, init, "initialiser", "--inits")


def _alpha(act: str, text: str) -> float:
    """The alpha in `elu:0.5`. Raises SpecError where it is not a number."""
    try:
        return float(text)
    except ValueError:
        raise SpecError(
            f"--acts {act}: alpha follows the colon and must be a number, as in elu:0.5.",
            option="--acts",
        ) from None


def seeded(run: RunSpec, seeds: int) -> tuple[RunSpec, ...]:
    """The run with `seeds` consecutive seeds, its own first."""
    return tuple(replace(run, seed=run.seed + k) for k in range(seeds))
