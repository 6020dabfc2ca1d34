"""What the tour observes of gradients before the first step, and of what becomes of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WithinBound:
    """δ of every layer against what slope and weights allow; of the layer nearest to its bound."""

    shown: bool  # no layer's δ is above its bound
    layer: str
    delta: float
    bound: float


@dataclass(frozen=True)
class GradientShrinks:
    """δ through the hidden layers, before the first step."""

    shown: bool  # it falls to less than a tenth
    depth: int
    ratio: float
    per_layer: float  # the geometric mean of what a layer passes
    predicted_per_layer: float  # theory's


@dataclass(frozen=True)
class UnitsAreFlat:
    """The hidden layer with most flat outputs at the first step."""

    shown: bool  # more than a tenth of them are flat
    layer: str
    share: float
    mean: float
    std: float


@dataclass(frozen=True)
class StaysFlat:
    """The same layer after training."""

    shown: bool  # at least half as many outputs are flat
    layer: str
    before: float
    after: float
    epochs: int


@dataclass(frozen=True)
class GradientExplodes:
    """δ through the hidden layers, at the first step."""

    shown: bool  # it grows more than tenfold
    depth: int
    ratio: float


@dataclass(frozen=True)
class RunBreaks:
    """Where a run broke; of a run that did not, its last epoch and its test accuracy."""

    shown: bool  # it diverged
    epoch: int
    step: int
    layer: str
    accuracy: float


@dataclass(frozen=True)
class ClippingSaves:
    """The run that diverged, with its gradients clipped."""

    shown: bool  # it does not diverge, and is better than the largest class alone
    option: str
    clipped: float  # the share of steps
    accuracy: float
    baseline: float


@dataclass(frozen=True)
class InitialisationSaves:
    """The run that diverged, from other initial weights."""

    shown: bool  # it does not diverge, and is better than the largest class alone
    init: str
    ratio: float
    accuracy: float
    baseline: float


@dataclass(frozen=True)
class VarianceAsPublished:
    """The variance of hidden1's weights, of the initialiser that is furthest from its formula."""

    shown: bool  # all are within 5 % of it
    init: str
    fan_in: int
    fan_out: int
    variance: float
    formula: float


@dataclass(frozen=True)
class BothWays:
    """What is left of the signal at the top, and of the gradient at the bottom, of one case."""

    shown: bool  # both within a factor of 10
    case: str
    depth: int
    forward: float
    backward: float


@dataclass(frozen=True)
class UnequalLayers:
    """What each step between hidden layers of unequal sizes does to mean squares.

    Of outputs going up, of δ coming down the same steps; each beside its formula.
    """

    shown: bool  # every factor is within 30 % of its formula
    init: str
    act: str
    sizes: str
    forward: tuple[float, ...]
    forward_formula: tuple[float, ...]
    backward: tuple[float, ...]
    backward_formula: tuple[float, ...]


@dataclass(frozen=True)
class XavierCompromises:
    """What Xavier's variance does over all steps between hidden layers: mean squares' factors."""

    shown: bool  # both are below 1, and within a factor of 1.5 of the formula
    steps: int
    forward: float
    backward: float
    formula: float  # the same both ways, where the first and the last layer are alike


@dataclass(frozen=True)
class HeKeepsForwards:
    """What He's variance does at each step, and to δ's mean square over all of them."""

    shown: bool  # outputs within 30 % at every step, δ over all within a factor of 1.5 of it
    forward_least: float
    forward_most: float
    backward_least: float
    backward_most: float
    backward: float
    formula: float  # units of the last hidden layer over those of the first
