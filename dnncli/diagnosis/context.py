"""What the rules know of a network besides measurements: options, sizes and theory."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dnncli import theory
from dnncli.errors import SpecError
from dnncli.records import LayerRecord
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.theory import Prediction

WITHOUT_NORMS: Mapping[str, object] = {"bn": False, "bn_output": False, "bn_momentum": None}


@dataclass(frozen=True)
class NetworkContext:
    """What theory needs: the network, its sizes, and the mean square of its scaled inputs.

    classes: how many outputs there are, in a regression one for each target.
    run: the options it was trained with; None where only the network is known.
    """

    network: NetworkSpec
    features: int
    classes: int
    second_moment: float
    run: RunSpec | None = None

    def predict(self, **changes: object) -> Prediction:
        """Theory of this network, or with other options. Raises SpecError without one."""
        network = self.network
        if changes:
            network = replace(network, **changes)  # type: ignore[arg-type]
        loss = "cross-entropy" if self.run is None else self.run.loss
        return theory.predict(network, self.features, self.classes, self.second_moment, loss)

    def predicted_ratio(self, **changes: object) -> float | None:
        """The delta ratio that theory predicts; None where it predicts none."""
        try:
            return self.predict(**changes).delta_ratio
        except SpecError:
            return None

    def is_level(self, ratio: float | None) -> bool:
        """Whether a delta ratio is within a factor of 3 of what the widths alone make of it.

        Delta spreads over more or fewer units: its root mean square changes by sqrt(n_1/n_L).
        """
        if ratio is None or not ratio > 0:
            return False
        first = self.network.hidden[0]
        last = self.network.hidden[-1]
        return abs(math.log10(ratio * math.sqrt(first / last))) < 0.5

    def changed(self, **wanted: object) -> dict[str, object]:
        """Those of some network options that the network does not have yet."""
        return {name: value for name, value in wanted.items() if not self._has(name, value)}

    def _has(self, name: str, value: object) -> bool:
        """Whether the network has an option's value; None leaves it to the default."""
        return bool(getattr(self.network, name) == value)


def delta_ratio(layers: Sequence[LayerRecord]) -> float:
    """delta_rms of hidden1 over that of the last hidden layer; nan where both are 0."""
    first = layers[0].delta_rms
    last = layers[-2].delta_rms
    if last == 0:
        return math.nan if first == 0 else math.inf
    return first / last
