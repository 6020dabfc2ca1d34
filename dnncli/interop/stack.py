"""From modules to a stack: the order of the layers, and where batch norm stands between them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations

from dnncli.errors import CheckpointError
from dnncli.interop.modules import PYTORCH, Module

MOST_NAMED = 8  # layers whose order is looked for by their sizes where their names do not tell it
POSITION = re.compile(r"(?:.*\.)?(\d+)")


@dataclass(frozen=True)
class Stage:
    """A linear layer and what stands around it, up to the next one.

    before: batch norm of its inputs, behind the last layer's activation. norm: between it and its
    own activation. slope: PReLU as its activation.
    """

    linear: Module
    norm: Module | None = None
    slope: Module | None = None
    before: Module | None = None

    @property
    def modules(self) -> tuple[Module, ...]:
        """All of its modules, in order."""
        return tuple(m for m in (self.before, self.linear, self.norm, self.slope) if m is not None)


def arrange(framework: str, modules: Sequence[Module]) -> tuple[Stage, ...]:
    """The stack that modules form, from the input up. Raises CheckpointError where they do not."""
    if not any(module.kind == "linear" for module in modules):
        raise CheckpointError("it holds no linear layer.")
    positions = _positions(modules) if framework == PYTORCH else None
    found = _by_position(modules, positions) if positions else _by_name(modules)
    stages = tuple(found)
    check_fit(stages)
    return stages


def check_fit(stages: Sequence[Stage]) -> None:
    """Raise CheckpointError unless each layer takes what the one below it has."""
    for below, above in pairwise(stages):
        if below.linear.width != above.linear.parts["kernel"].shape[0]:
            raise CheckpointError(
                f"{above.linear.name!r} takes {above.linear.parts['kernel'].shape[0]} inputs, but"
                f" {below.linear.name!r} below it has {below.linear.width} units."
            )
    for stage in stages:
        _check_widths(stage)


def _check_widths(stage: Stage) -> None:
    """Raise CheckpointError unless widths fit; one slope may serve all units."""
    fan_in, units = stage.linear.parts["kernel"].shape
    for module, width in ((stage.before, fan_in), (stage.norm, units), (stage.slope, units)):
        if module is None or module.width == width:
            continue
        if not (module.kind == "slope" and module.width == 1):
            raise CheckpointError(
                f"{module.name!r} is {module.width} wide where {width} are needed."
            )


def _positions(modules: Sequence[Module]) -> list[int] | None:
    """Positions in a torch.nn.Sequential or ModuleList; None where the names are not numbers."""
    found = [POSITION.fullmatch(module.name) for module in modules]
    prefixes = {module.name.rpartition(".")[0] for module in modules}
    if not all(found) or len(prefixes) != 1:
        return None
    return [int(match[1]) for match in found if match]


def _by_position(modules: Sequence[Module], positions: Sequence[int]) -> Iterator[Stage]:
    """Batch norm right behind a linear layer is its own, elsewhere the next one's `before`."""
    stage: Stage | None = None
    waiting: Module | None = None  # batch norm of the next linear layer's inputs
    last = -1  # the position of the last linear layer
    for index, (module, position) in enumerate(zip(modules, positions, strict=True)):
        if module.kind == "linear":
            if stage:
                yield stage
            stage = Stage(module, before=waiting)
            waiting = None
            last = position
        elif module.kind == "slope":
            stage = _with_slope(stage, module)
        elif stage and stage.norm is None and position == last + 1:
            stage = replace(stage, norm=module)
        else:
            _check_place(module, position, positions[index + 1 : index + 2], waiting, stage)
            waiting = module
    if waiting:
        raise CheckpointError(
            f"the batch norm {waiting.name!r} stands behind the last layer's activation."
        )
    if stage:
        yield stage


def _check_place(
    module: Module,
    position: int,
    following: Sequence[int],
    waiting: Module | None,
    stage: Stage | None,
) -> None:
    """Raise CheckpointError where batch norm may stand on either side of an activation."""
    if waiting:
        raise CheckpointError(
            f"two batch norms, {waiting.name!r} and {module.name!r}, follow each other."
        )
    if stage and not stage.slope and following and following[0] != position + 1:
        raise CheckpointError(
            f"the batch norm {module.name!r} has other modules before and behind it,"
            " and which of them is the activation, the file does not tell."
        )


def _with_slope(stage: Stage | None, module: Module) -> Stage:
    if stage is None or stage.slope:
        raise CheckpointError(f"the PReLU {module.name!r} follows no linear layer.")
    return replace(stage, slope=module)


def _by_name(modules: Sequence[Module]) -> Iterator[Stage]:
    """Linear layers by their names or else by their sizes, with their batch norms and slopes."""
    linears = _chained([module for module in modules if module.kind == "linear"])
    norms = _beside(linears, [module for module in modules if module.kind == "norm"])
    slopes = _beside(linears, [module for module in modules if module.kind == "slope"])
    for linear, norm, slope in zip(linears, norms, slopes, strict=True):
        yield Stage(linear, norm, slope)


def _chained(linears: list[Module]) -> list[Module]:
    """The layers in an order in which each takes as many inputs as the one below has outputs."""
    if _is_chain(linears) or len(linears) > MOST_NAMED:
        return linears
    orders = [order for order in permutations(linears) if _is_chain(order)]
    if len(orders) != 1:
        names = ", ".join(map(_sizes, linears))
        raise CheckpointError(f"neither names nor sizes tell the order of its layers: {names}.")
    return list(orders[0])


def _sizes(linear: Module) -> str:
    """A layer's name, fan-in and units, as in `dense 6→20`."""
    fan_in, units = linear.parts["kernel"].shape
    return f"{linear.name} {fan_in}→{units}"


def _is_chain(linears: Sequence[Module]) -> bool:
    return all(below.width == above.parts["kernel"].shape[0] for below, above in pairwise(linears))


def _beside(linears: Sequence[Module], others: Sequence[Module]) -> list[Module | None]:
    """One module or None for each linear layer: all, all but the last, or as the widths allow."""
    missing = len(linears) - len(others)
    if missing in (0, len(linears)) or (missing == 1 and _fit(linears, others)):
        return [*others, *[None] * missing]
    widths = [linear.width for linear in linears]
    places = [widths.index(other.width) for other in others if widths.count(other.width) == 1]
    if len(places) != len(others) or len(set(places)) != len(places):
        names = ", ".join(other.name for other in others)
        raise CheckpointError(f"to which layers {names} belong, neither names nor widths tell.")
    chosen = dict(zip(places, others, strict=True))
    return [chosen.get(place) for place in range(len(linears))]


def _fit(linears: Sequence[Module], others: Sequence[Module]) -> bool:
    return all(linear.width == other.width for linear, other in zip(linears, others, strict=False))
