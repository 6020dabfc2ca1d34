"""`tune`: what is searched, and what a point of that space is as options of a run."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Value = int | float | str
Point = Mapping[str, Value]


@dataclass(frozen=True)
class Choice:
    """One of some values; sizes are choices too, since every other shape is another program."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        """The values, as they are shown."""
        return ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Range:
    """A number between two, on a logarithmic scale."""

    low: float
    high: float

    def __str__(self) -> str:
        """The ends, as they are shown."""
        return f"{self.low:g} to {self.high:g}"


FACTORS = (0.25, 4.0)  # of rates that are tried besides: a rate is an input of a program
LAYERS = "layers"
UNITS = "units"
DECAY = "weight_decay"
SPACE: Mapping[str, Choice | Range] = {
    LAYERS: Choice((1, 2, 3, 4)),
    UNITS: Choice((32, 64, 128, 256, 512)),
    "act": Choice(("relu", "leaky-relu", "elu", "selu", "gelu", "swish", "mish")),
    "lr": Range(1e-4, 3e-2),
    "batch_size": Choice((32, 64, 128, 256, 512)),
    "dropout": Choice((0.0, 0.1, 0.2, 0.3, 0.5)),
    DECAY: Choice((0.0, 1e-4, 1e-3, 1e-2, 1e-1)),
}
# Options that say what a dimension would: it is not searched where one of them is given.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    LAYERS: ("hidden", "depth", "width"),
    UNITS: ("hidden", "depth", "width"),
    DECAY: ("weight_decay", "optimizer"),
    "act": ("act", "alpha"),
}


def space(given: Collection[str]) -> dict[str, Choice | Range]:
    """What is searched where these options are given, and stay as they are."""
    return {
        name: values
        for name, values in SPACE.items()
        if not {*SAID_BY.get(name, (name,))} & {*given}
    }


def with_other_rates(point: Point) -> Iterator[Point]:
    """The point with a quarter and four times its rate, as far as they are searched."""
    rates = SPACE["lr"]
    if "lr" not in point or not isinstance(rates, Range):
        return
    for factor in FACTORS:
        rate = factor * float(point["lr"])
        if rates.low <= rate <= rates.high:
            yield {**point, "lr": rate}


def changes(point: Point) -> dict[str, object]:
    """A point as changes of options; Adam decays weights as AdamW."""
    found: dict[str, object] = {}
    if LAYERS in point:
        found["hidden"] = (int(point[UNITS]),) * int(point[LAYERS])
    for name in ("act", "batch_size", "dropout"):
        if name in point:
            found[name] = point[name]
    if point.get(DECAY):
        found |= {"optimizer": "adamw", DECAY: point[DECAY]}
    if "lr" in point:  # after the optimizer, whose default it replaces
        found["lr"] = float(f"{point['lr']:.2g}")
    return found
