"""The learning rate from which on training goes wrong: within a factor of 2 on 19 of 20 networks.

SGD and momentum follow the gradient's size: curvature before the first step tells (2/λ; Cohen et
al. 2021), times what a network survives by moving to a flatter place (Lewkowycz et al. 2020).

Adaptive steps have a size of their own. A first step moves every weight by about the rate and is
coherent (near rank 1): in a layer of n inputs or units, whichever are fewer, its spectral norm is
about rate sqrt(n)/2 over the weights' deviation times their own (Yang, Simon & Bernstein 2023).
Measured in `tests/benchmarks/rate_limit.md`. Batch norm, whose layers do not feel their weights'
size, and schedules that begin below their rate are left out.
"""

import math
from itertools import pairwise

from dnncli.diagnosis.case import Case

PLAIN = ("sgd", "momentum", "nesterov")
# The layers' relative changes add up; at 3 the loss of the next batches is half as much again.
LOSS_RISES = 3.0
# Without momentum training fails at 4 times the limit (2.8 to 5.7 in 17 of 20 networks); with 0.9,
# whose velocity carries it on, at the limit itself (0.5 to 2 in 19 of 20). The square between them.
SURVIVED = 3.0
# RMSProp divides its first gradient by the root of a tenth of its square.
FIRST_STEP = {"rmsprop": math.sqrt(10)}


def rate_limit(case: Case) -> float | None:
    """The rate from which on training goes wrong; None where nothing is known of it."""
    if case.run.network.bn or case.run.schedule.schedule == "one-cycle":
        return None
    if case.run.update.optimizer not in PLAIN:
        return _of_adaptive_steps(case)
    sharpness = case.evidence.sharpness
    if sharpness is None or sharpness.limit is None:
        return None
    left = 1 - (case.run.update.momentum or 0.0)
    return sharpness.limit * (1 + SURVIVED * left**2)


def _of_adaptive_steps(case: Case) -> float | None:
    """Where the first step changes the layers' outputs by LOSS_RISES in all."""
    network = case.run.network
    sizes = (case.context.features, *network.hidden, case.context.classes)
    if len(case.initial) != len(sizes) - 1:
        return None
    change = 0.0
    for layer, (rows, units) in zip(case.initial, pairwise(sizes), strict=True):
        deviation = layer.weight_norm / math.sqrt(rows * units)
        # LAMB's steps are shares of the weights' norm.
        scale = 1.0 if case.run.update.optimizer == "lamb" else deviation
        if not 0 < scale < math.inf:
            return None
        change += max(1.0, math.sqrt(min(rows, units)) / 2) / scale
    return LOSS_RISES / change / FIRST_STEP.get(case.run.update.optimizer, 1.0)
