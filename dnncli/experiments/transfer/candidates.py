"""What `--keep auto` tries: depths, frozen or trained on, at several rates, and all from scratch.

An option that was given stays as it is; what it leaves open is tried.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dnncli.errors import SpecError
from dnncli.spec import RunSpec
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import Layout, TransferSpec

# Learning rates over the run's own. A new layer on frozen ones is a linear model, which bears
# larger steps; layers that are trained on lose what they know by them (Howard & Ruder 2018).
FROZEN_RATES = (3.0, 10.0)
OTHER_RATES = (3.0,)
LR_DECAY = 0.3  # from a layer to the one below, where layers are trained on
# Of the epochs with the kept layers frozen, before all are trained: the first gradients of a new
# layer spoil what is below it (Kumar et al. 2022). Half of the race's first rung.
FROZEN_SHARE = 1 / 16

LayOut = Callable[[TransferSpec, int], Layout]
Fields = Mapping[str, Any]  # new values of a TransferSpec's fields; `lr` is a factor


@dataclass(frozen=True)
class Choice:
    """One way to train on the new task; keep: hidden layers reused, 0 from scratch."""

    name: str
    keep: int
    layout: Layout

    @property
    def unfreeze(self) -> int | None:
        """The epoch from which frozen layers are trained; None: never."""
        return self.layout.run.freezing.last_unfreeze or None


def depths(chosen: int, hidden: int) -> tuple[int, ...]:
    """How many layers to keep: as the probes choose, all, and half of the probes' number."""
    return tuple(dict.fromkeys((chosen, hidden, (chosen + 1) // 2)))


def reusing(
    spec: TransferSpec, tried: Sequence[int], run: RunSpec, lay_out: LayOut
) -> tuple[Choice, ...]:
    """Ways of reusing layers at several depths, the first of which the probes choose.

    run: the new task's. lay_out: makes the layout of a spec that keeps so many hidden layers.
    Raises SpecError where the options given allow none.
    """
    asked = [(tried[0], fields) for fields in (*_plain(spec), *_refined(spec, run))]
    asked += [(depth, fields) for depth in tried[1:] for fields in _plain(spec)]
    found: dict[str, Choice] = {}
    refused: list[SpecError] = []
    for depth, fields in asked:
        try:
            layout = lay_out(_with(spec, fields, run), depth)
            choice = Choice(_name(depth, fields, layout), depth, layout)
            found.setdefault(choice.name, choice)
        except SpecError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return tuple(found.values())


def from_scratch(
    spec: TransferSpec, tried: Sequence[int], run: RunSpec, lay_out: LayOut
) -> tuple[Choice, ...]:
    """Ways from scratch: the architectures that reuse would have, the largest one first."""
    asked: list[tuple[int, Fields]] = [(depth, {}) for depth in sorted(tried, reverse=True)]
    asked += [(max(tried), fields) for fields in _rates(spec, OTHER_RATES)]
    plain = everything_open(spec)
    choices: dict[str, Choice] = {}
    for depth, fields in asked:
        layout = transfer_spec.from_scratch(lay_out(_with(plain, fields, run), depth))
        layers = "" if depth == max(tried) else f", {len(layout.run.network.hidden)} hidden"
        name = f"from scratch{layers}{_rate_name(fields, layout)}"
        choices.setdefault(name, Choice(name, 0, layout))
    return tuple(choices.values())


def everything_open(spec: TransferSpec) -> TransferSpec:
    """The spec without what it says of the parent's layers, which has no meaning from scratch."""
    return replace(spec, freeze=None, unfreeze="", lr_decay=None, reinit=(), head=None)


def _plain(spec: TransferSpec) -> Iterator[Fields]:
    """A depth's kept layers trained on, and frozen; or as --freeze has it."""
    if spec.freeze is not None:
        yield {}
        return
    yield {"freeze": "0"}
    yield {"freeze": transfer_spec.ALL}


def _refined(spec: TransferSpec, run: RunSpec) -> Iterator[Fields]:
    """What else is tried at the probes' depth: rates, slower lower layers, a late unfreezing."""
    for fields in _plain(spec):
        frozen = (fields.get("freeze") or spec.freeze or "0") != "0"
        factors = FROZEN_RATES if frozen else OTHER_RATES
        yield from ({**fields, **rate} for rate in _rates(spec, factors))
    if spec.lr_decay is None:
        yield {"freeze": spec.freeze or "0", "lr_decay": LR_DECAY}
    if spec.freeze is None and not spec.unfreeze:
        first = max(2, round(FROZEN_SHARE * run.schedule.epochs) + 1)
        yield {"freeze": transfer_spec.ALL, "unfreeze": f"{first}:{transfer_spec.ALL}"}


def _rates(spec: TransferSpec, factors: Sequence[float]) -> Iterator[Fields]:
    """Factors of the learning rate; none where --lr was given."""
    if "lr" not in spec.options:
        yield from ({"lr": factor} for factor in factors)


def _with(spec: TransferSpec, fields: Fields, run: RunSpec) -> TransferSpec:
    """The spec with other fields, the run's learning rate multiplied."""
    own = {name: value for name, value in fields.items() if name != "lr"}
    options = dict(spec.options)
    if "lr" in fields:
        rate, _ = settings(run)
        options["lr"] = float(f"{fields['lr'] * rate:.3g}")
    return replace(spec, **own, options=options)


def _name(depth: int, fields: Fields, layout: Layout) -> str:
    """A candidate in words."""
    parts = [f"keep {depth}"]
    freezing = layout.run.freezing
    if freezing.freeze:
        parts.append(_frozen_name(layout))
    if freezing.lr_decay != 1:
        parts.append(f"lr-decay {freezing.lr_decay:g}")
    return ", ".join(parts) + _rate_name(fields, layout)


def _frozen_name(layout: Layout) -> str:
    """Which layers are frozen, if not all that are kept, and until when."""
    frozen = layout.frozen
    kept = tuple(name for name in layout.kept if name != "output")
    which = "" if frozen == kept else f" {','.join(frozen)}"
    until = layout.run.freezing.last_unfreeze
    end = f" until epoch {until}" if until else ""
    return f"frozen{which}{end}"


def _rate_name(fields: Fields, layout: Layout) -> str:
    """The learning rate, where it is another one than the run's own."""
    return f", lr {layout.run.schedule.lr:g}" if "lr" in fields else ""


def settings(run: RunSpec) -> tuple[float, float]:
    """A run's learning rate, and its factor from a layer to the one below."""
    assert run.schedule.lr is not None
    return run.schedule.lr, run.freezing.lr_decay
