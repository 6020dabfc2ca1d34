"""A network without its input and output sizes, which the data give."""

from dataclasses import dataclass

from dnncli.errors import SpecError
from dnncli.spec import catalog, checks

# More are a slip of the keys.
WIDEST = 1_000_000  # units of a layer
DEEPEST = 10_000  # hidden layers
LARGEST = 100  # networks of an ensemble
BN_MOMENTUM = 0.9
FLOAT32 = "float32"


@dataclass(frozen=True)
class NetworkSpec:
    """A multilayer perceptron without its input and output sizes, which the data give.

    ensemble: number of networks of these sizes whose outputs are averaged.
    precision: of the factors in layers' products; weights, statistics and updates are float32.
    below: number of frozen layers underneath; the first layer here is named hidden{below + 1}.
    """

    hidden: tuple[int, ...] = (300, 100)
    act: str = "elu"
    alpha: float | None = None
    init: str = "auto"
    bn: bool = False
    bn_momentum: float | None = None
    bn_output: bool = False
    dropout: float = 0.0
    ensemble: int = 1
    precision: str = FLOAT32
    below: int = 0

    def __post_init__(self) -> None:
        """Resolve names, fill what the activation decides, and check sizes."""
        activation = catalog.resolve(catalog.ACTIVATIONS, self.act, "activation", "--act")
        if self.alpha is not None and activation.alpha is None:
            users = ", ".join(a.name for a in catalog.ACTIVATIONS.values() if a.alpha is not None)
            raise SpecError(
                f"--alpha {self.alpha:g}: {activation.name} has no alpha. It is for {users}.",
                option="--alpha",
            )
        if self.bn_momentum is not None and not (self.bn or self.bn_output):
            raise SpecError(
                f"--bn-momentum {self.bn_momentum:g}: has no use without --bn or --bn-output.",
                option="--bn-momentum",
            )
        checks.check(
            len(self.hidden) + self.below >= 1, "hidden", self.hidden, "at least one layer"
        )
        fits = all(1 <= n <= WIDEST for n in self.hidden)
        checks.check(fits, "hidden", _joined(self.hidden[:9]), f"sizes from 1 to {WIDEST:,}")
        checks.check(
            len(self.hidden) <= DEEPEST, "depth", len(self.hidden), f"at most {DEEPEST:,} layers"
        )
        checks.check_number(self, "alpha", lambda a: abs(a) < 1e6, "a finite number")
        if activation.name in ("elu", "celu"):
            checks.check_number(self, "alpha", lambda a: a > 0, "greater than 0")
        checks.check_number(self, "bn_momentum", lambda m: 0 <= m < 1, "in [0, 1)")
        checks.check_number(self, "dropout", lambda p: 0 <= p < 1, "in [0, 1)")
        self._check_ensemble()
        precision = catalog.resolve(catalog.PRECISIONS, self.precision, "precision", "--precision")
        init = activation.init if self.init == "auto" else self.init
        initializer = catalog.resolve(catalog.INITIALIZERS, init, "initialiser", "--init")
        momentum = self.bn_momentum
        if momentum is None and (self.bn or self.bn_output):
            momentum = BN_MOMENTUM
        checks.fill(
            self,
            act=activation.name,
            init=initializer.name,
            alpha=checks.number_or(self.alpha, activation.alpha),
            bn_momentum=momentum,
            precision=precision.name,
        )

    def _check_ensemble(self) -> None:
        """Raise SpecError for networks that are too many, or whose mean is not one network."""
        checks.check_number(
            self, "ensemble", lambda n: 1 <= n <= LARGEST, f"from 1 to {LARGEST} networks"
        )
        if self.ensemble > 1 and self.bn_output:
            raise SpecError(
                f"--ensemble {self.ensemble}: the mean of outputs with batch norm is not one"
                " network's; leave out --bn-output.",
                option="--ensemble",
            )

    def layers(self) -> tuple[str, ...]:
        """The layers' names from the input up: hidden1 … hiddenN, output."""
        return (*(f"hidden{self.below + i + 1}" for i in range(len(self.hidden))), "output")

    @property
    def units(self) -> tuple[int, ...]:
        """Each hidden layer's units, those of all networks of an ensemble together."""
        return tuple(self.ensemble * units for units in self.hidden)

    def normalised(self) -> tuple[bool, ...]:
        """Which layers have batch normalisation."""
        return (*(self.bn for _ in self.hidden), self.bn_output)


def _joined(sizes: tuple[int, ...]) -> str:
    return ",".join(map(str, sizes))
