"""Which layers stay as they are, for how long, and how much slower the lower ones learn."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dnncli.errors import SpecError

EVERYTHING = "all"

Unfreeze = tuple[int, tuple[str, ...]]
UnfreezeSchedule = tuple[Unfreeze, ...]


@dataclass(frozen=True)
class FreezingSpec:
    """Frozen layers, when they are unfrozen, and how the learning rate falls from layer to layer.

    `unfreeze` pairs epochs (counted from 1) with the layers that are trained from that epoch on;
    "all" stands for what is still frozen then.
    """

    freeze: tuple[str, ...] = ()
    unfreeze: UnfreezeSchedule = ()
    lr_decay: float = 1.0

    def __post_init__(self) -> None:
        """Make tuples of lists, resolve "all", and check names and epochs against each other."""
        schedule = sorted((int(epoch), tuple(names)) for epoch, names in self.unfreeze)
        object.__setattr__(self, "freeze", tuple(self.freeze))
        object.__setattr__(self, "unfreeze", tuple(_resolved(self.freeze, schedule)))
        if not (math.isfinite(self.lr_decay) and 0 < self.lr_decay <= 1):
            raise SpecError(
                f"--lr-decay {self.lr_decay:g}: must be in (0, 1].", option="--lr-decay"
            )

    @property
    def last_unfreeze(self) -> int:
        """The epoch (from 1) in which the last layers are unfrozen; 0 where none are."""
        return max((epoch for epoch, _ in self.unfreeze), default=0)

    def frozen(self, epoch: int) -> tuple[str, ...]:
        """The layers that are not trained in an epoch (from 1)."""
        unfrozen = {name for start, names in self.unfreeze if start <= epoch for name in names}
        return tuple(name for name in self.freeze if name not in unfrozen)

    def multipliers(self, layers: Sequence[str], epoch: int) -> dict[str, float] | None:
        """Each layer's learning-rate multiplier in an epoch (from 1), 0 where it is frozen.

        `layers` end with the output layer. None where every layer is trained alike throughout the
        run.
        """
        if self == FreezingSpec():
            return None
        top = len(layers) - 1
        rates = {name: self.lr_decay ** (top - index) for index, name in enumerate(layers)}
        stopped = set(self.frozen(epoch)).intersection(layers)
        return rates | dict.fromkeys(stopped, 0.0)

    def check(self, layers: Sequence[str], epochs: int) -> None:
        """Raise SpecError for unknown layers, epochs after the last, or if all are frozen."""
        for name in self.freeze:
            if name not in layers:
                raise SpecError(
                    f"--freeze {name}: there is no such layer; there are {', '.join(layers)}.",
                    option="--freeze",
                )
        if self.last_unfreeze > epochs:
            raise SpecError(
                f"--unfreeze: epoch {self.last_unfreeze} is later than the run's last, {epochs}.",
                option="--unfreeze",
            )
        if set(layers) <= set(self.frozen(1)):
            raise SpecError(
                f"--freeze {','.join(self.freeze)}: nothing would be left to train.",
                option="--freeze",
            )


def _resolved(freeze: Sequence[str], schedule: Sequence[Unfreeze]) -> Iterator[Unfreeze]:
    """Each epoch with the names of its layers, all of which are frozen until then."""
    left = list(freeze)
    for epoch, names in schedule:
        if epoch < 2:
            raise SpecError(
                f"--unfreeze: epoch {epoch} must be at least 2: layers are frozen in the first.",
                option="--unfreeze",
            )
        for name in names:
            if name != EVERYTHING and name not in left:
                known = f"frozen then: {', '.join(left)}" if left else "no layer is frozen then"
                raise SpecError(
                    f"--unfreeze {epoch}:{name}: that layer is not frozen; {known}.",
                    option="--unfreeze",
                )
        chosen = tuple(left) if EVERYTHING in names else tuple(names)
        if not chosen:
            raise SpecError(
                f"--unfreeze {epoch}: no layer is still frozen then.", option="--unfreeze"
            )
        left = [name for name in left if name not in chosen]
        yield epoch, chosen


def parse_schedule(text: str) -> UnfreezeSchedule:
    """`5:hidden4 10:hidden3,hidden2 15:all` as epochs with layers. Raises SpecError."""
    schedule = []
    for part in text.split():
        epoch, colon, names = part.partition(":")
        layers = tuple(name for name in names.split(",") if name)
        if not (colon and layers and epoch.isascii() and epoch.isdigit() and len(epoch) < 10):
            raise SpecError(
                f"--unfreeze {part}: write EPOCH:LAYER, as in '5:hidden4 10:hidden3 15:all'.",
                option="--unfreeze",
            )
        schedule.append((int(epoch), layers))
    return tuple(schedule)
