"""How large delta is at the output of an untrained classifier."""

import math

import numpy as np

# Variance of the logits up to which the integral is evaluated; beyond it the tail's law holds.
WIDEST = 400.0


def output_delta_square(q: float, classes: int) -> float:
    """Mean square over classes of softmax(z) - onehot(y), logits z independent N(0, q), any y.

    As the label knows nothing of random logits, it is (S + 1 - 2/C) / C with S = E sum of p_k^2:
    from (1 - 1/C) / C at q = 0, where p is uniform, to (2 - 2/C) / C where p is one-hot.
    """
    return (collision(q, classes) + 1 - 2 / classes) / classes


def collision(q: float, classes: int) -> float:
    """E sum of softmax(z)_k^2, z independent N(0, q); error below 1e-6, beyond q = 400 below 0.01.

    With 1/D^2 = integral of t e^(-tD) over t > 0 and t = e^u it is a product of one-unit integrals:
    S = C integral E[e^(2s - e^s)] (E[e^(-e^s)])^(C-1) du with s = z + u. The trapezoidal rule
    converges geometrically on both. For wide logits only near ties keep p from being one-hot, and
    1 - S falls like 1/sqrt(q).
    """
    if classes == 1 or q == math.inf:
        return 1.0
    if q > WIDEST:
        return 1 - (1 - collision(WIDEST, classes)) * math.sqrt(WIDEST / q)
    std = math.sqrt(q)
    x = np.arange(-7, 7.01, min(0.5, 0.5 / max(std, 1e-3)))
    density = np.exp(-x * x / 2) / np.exp(-x * x / 2).sum()
    u = np.arange(-7 * std - math.log(classes) - 12, 7 * std + 4, 0.5)
    s = np.minimum(u[:, None] + std * x, 6)  # e^-e^s vanishes from there on
    nothing = np.exp(-np.exp(s))
    both = (np.exp(2 * s) * nothing) @ density
    return float(min(1.0, classes * 0.5 * (both @ (nothing @ density) ** (classes - 1))))
