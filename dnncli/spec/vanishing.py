"""Cases of the vanishing-gradients demonstration, such as `sigmoid:xavier` or `relu:he+bn`."""

from dataclasses import dataclass

from dnncli.errors import SpecError
from dnncli.spec import NetworkSpec, catalog

EXTRAS = ("bn", "clip")
DEFAULT = "sigmoid:normal,sigmoid:xavier,relu:normal,relu:he,elu:he,relu:he+bn,sigmoid:critical"


@dataclass(frozen=True)
class Case:
    """An activation, an initialiser, and whether batch norm and gradient clipping are on."""

    act: str
    init: str
    bn: bool = False
    clip: bool = False

    @property
    def label(self) -> str:
        """The case as it is written on the command line, names in full."""
        extras = [name for name, on in zip(EXTRAS, (self.bn, self.clip), strict=True) if on]
        return "+".join([f"{self.act}:{self.init}", *extras])

    def network(self, depth: int, width: int) -> NetworkSpec:
        """The case's network: `depth` hidden layers of `width` units."""
        return NetworkSpec(hidden=(width,) * depth, act=self.act, init=self.init, bn=self.bn)


def parse(text: str) -> Case:
    """One case; without an initialiser it takes the activation's own. Raises SpecError."""
    base, *extras = text.strip().split("+")
    act, _, init = base.partition(":")
    unknown = [extra for extra in extras if extra not in EXTRAS]
    if unknown:
        raise SpecError(f"--cases {text}: {unknown[0]!r} is neither bn nor clip.", option="--cases")
    activation = catalog.resolve(catalog.ACTIVATIONS, act, "activation", "--cases")
    wanted = init or activation.init
    initializer = catalog.resolve(catalog.INITIALIZERS, wanted, "initialiser", "--cases")
    return Case(activation.name, initializer.name, "bn" in extras, "clip" in extras)


def parse_all(text: str) -> tuple[Case, ...]:
    """Cases between commas. Raises SpecError for one that is given twice."""
    cases = tuple(parse(part) for part in text.split(","))
    twice = [case.label for case in cases if cases.count(case) > 1]
    if twice:
        raise SpecError(f"--cases: {twice[0]} is given twice.", option="--cases")
    return cases
