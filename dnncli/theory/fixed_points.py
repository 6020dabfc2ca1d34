"""Where the variance of pre-activations settles in a deep network, and how deep gradients reach."""

import math
from collections.abc import Callable
from typing import NamedTuple

from dnncli.theory.closed_forms import Alpha
from dnncli.theory.moments import exp, layer_outputs, log, moments

# Networks train to a depth between these multiples of the depth scale (6 in Schoenholz et al.
# 2017): there the gradient's variance is down to 1 % and to 0.02 %.
TRAINABLE = (4.6, 8.6)
FARTHEST = (math.log(1e-24), math.log(1e24))  # of ln q: where the search ends
NEUTRAL = 1e-10  # relative change of q in one layer that counts as no change


class FixedPoint(NamedTuple):
    """The variance q that layers approach, and chi, the factor on the gradient's variance, there.

    q is 0 where pre-activations shrink layer by layer, inf where they grow, None where they keep
    whatever variance they have (ReLU with He).
    """

    q: float | None
    chi: float

    @property
    def kind(self) -> str:
        """`stable`, `collapses`, `grows` or `neutral`."""
        if self.q is None:
            return "neutral"
        return {0.0: "collapses", math.inf: "grows"}.get(self.q, "stable")


class LayerMap(NamedTuple):
    """From one layer to the next: the logarithms of its q and of the factor chi between them."""

    log_q: float
    log_chi: float


def layer_map(
    act: str, alpha: Alpha, keep: float, sigma_w2: float, sigma_b2: float, log_q: float
) -> LayerMap:
    """The next layer's ln q and the ln chi between them, from a layer of variance e^log_q.

    q' = sigma_w^2 E phi^2 / keep + sigma_b^2 and chi = sigma_w^2 E phi'^2 / keep (Poole et al.).
    """
    layer = layer_outputs(act, moments(act, alpha, log_q), keep)
    forward = log(sigma_w2) + layer.log_square
    return LayerMap(add(forward, log(sigma_b2)), log(sigma_w2) + layer.log_slope)


def add(log_x: float, log_y: float) -> float:
    """ln(x + y) from logarithms, of which one may be -inf."""
    high = max(log_x, log_y)
    low = min(log_x, log_y)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def fixed_point(
    act: str,
    alpha: Alpha,
    sigma_w2: float,
    sigma_b2: float = 0.0,
    keep: float = 1.0,
    start: float = 1.0,
) -> FixedPoint:
    """The q which layers of variance `start` approach: the nearest in the direction they move.

    As more variance in gives more out, the layers' q cannot step over a fixed point. Precision
    1e-12.
    """

    def gain(log_q: float) -> float:
        return layer_map(act, alpha, keep, sigma_w2, sigma_b2, log_q).log_q - log_q

    def chi(log_q: float) -> float:
        return exp(layer_map(act, alpha, keep, sigma_w2, sigma_b2, log_q).log_chi)

    near = math.log(start)
    first = gain(near)
    if all(abs(gain(x)) < NEUTRAL for x in (near, near - 3, near + 3)):
        return FixedPoint(None, chi(near))
    rises = first > 0
    limit = FARTHEST[1] if rises else FARTHEST[0]
    while near != limit:
        far = min(near + 0.5, limit)
        if not rises:
            far = max(near - 0.5, limit)
        if (gain(far) > 0) != rises:
            found = bisect(lambda x: (gain(x) > 0) == rises, near, far)
            return FixedPoint(math.exp(found), chi(found))
        near = far
    settled = math.inf if rises else 0.0
    return FixedPoint(settled, chi(limit))


def bisect(holds: Callable[[float], bool], near: float, far: float) -> float:
    """Where a condition that holds at `near` but not at `far` stops to, by 50 halvings."""
    for _ in range(50):
        middle = (near + far) / 2
        if holds(middle):
            near = middle
        else:
            far = middle
    return (near + far) / 2


def depth_scale(chi: float) -> float:
    """Layers over which the gradient's variance changes e-fold, 1/|ln chi| (Schoenholz et al.)

    It vanishes for chi < 1 and explodes for chi > 1; at 1 it does neither and the scale is inf.
    """
    if chi in (0.0, math.inf):
        return 0.0
    return math.inf if abs(math.log(chi)) < 1e-12 else 1 / abs(math.log(chi))


def trainable_depth(chi: float) -> tuple[float, float]:
    """The band of depths up to which a network with this chi trains: 4.6 to 8.6 depth scales."""
    return TRAINABLE[0] * depth_scale(chi), TRAINABLE[1] * depth_scale(chi)
