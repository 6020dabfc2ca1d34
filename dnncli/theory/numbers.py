"""How large delta is at the output of an untrained network that predicts standardised numbers.

The targets have mean 0 and variance 1 and know nothing of the random outputs z ~ N(0, q), so that
r = z - y has mean 0 and variance 1 + q. An example's loss is a mean over its C outputs.
"""

import math
from collections.abc import Callable

from dnncli.spec.objective import HUBER_DELTA

WIDE = 1e6  # a variance of outputs from which on the series is exact to 1e-9


def _squared(q: float) -> float:
    """E (2 r)^2, whatever the targets' distribution."""
    return 4 * (1 + q)


def _absolute(q: float) -> float:
    """E sign(r)^2."""
    return 1.0


def _huber(q: float) -> float:
    """E min(|r|, d)^2 for normal r, by integration by parts; 1 + q at most, d^2 at most.

    With s^2 = 1 + q and a = d/s: s^2 (erf(a/sqrt 2) - 2 a phi(a)) + d^2 erfc(a/sqrt 2).
    """
    a = HUBER_DELTA / math.sqrt(1 + q)
    beyond = HUBER_DELTA**2 * math.erfc(a / math.sqrt(2))
    if q > WIDE:  # where the difference below cancels; its series in a is (2/3) a^3 phi(0)
        return beyond + HUBER_DELTA**2 * 2 / 3 * a / math.sqrt(2 * math.pi)
    density = math.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)
    return (1 + q) * (math.erf(a / math.sqrt(2)) - 2 * a * density) + beyond


SLOPES: dict[str, Callable[[float], float]] = {
    "squared": _squared,
    "absolute": _absolute,
    "huber": _huber,
}


def output_delta_square(loss: str, q: float, outputs: int) -> float:
    """Mean square over outputs of dl/dz, outputs z independent N(0, q), targets standardised."""
    return SLOPES[loss](q) / outputs**2
