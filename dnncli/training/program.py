"""What is compiled into an epoch and what it starts from: program, block of data, first state."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optax
from jaxtyping import Array, Float

from dnncli import theory
from dnncli.nn import initializers, network, optimizers, tasks
from dnncli.nn.examples import Examples
from dnncli.nn.network import Mask, Network, Observation, TrainState
from dnncli.nn.tasks import Targets, Task
from dnncli.spec import NetworkSpec, UpdateSpec
from dnncli.training.devices import Devices

Probe = Callable[[NetworkSpec, Observation], Any]


class Block(NamedTuple):
    """Examples and their targets, on the device.

    base: frozen layers that the examples go through first. mask: marks a batch's padding. weights:
    each example's weight in the loss; None: all count alike.
    """

    x: Examples
    y: Targets
    base: Network | None = None
    mask: Mask = None
    weights: Float[Array, " examples"] | None = None


@dataclass(frozen=True)
class Program:
    """What is compiled in, as opposed to data: a change of any of it compiles anew.

    multipliers: of each layer's learning rate, 0 for a frozen layer; None: all learn alike.
    measured: metrics of the validation examples besides the task's own.
    devices: those that share the rows of each batch; None: there is one.
    """

    network: NetworkSpec
    update: UpdateSpec
    batch_size: int
    probe: Probe | None
    multipliers: tuple[float, ...] | None = None
    loss: str = "cross-entropy"
    measured: tuple[str, ...] = ()
    devices: Devices | None = None

    def rule(self) -> optax.GradientTransformation:
        """The update rule."""
        if self.multipliers is None:
            return optimizers.build(self.update)
        by_layer = zip(self.network.layers(), self.multipliers, strict=True)
        return optimizers.build(self.update, dict(by_layer))

    def objective(self) -> Task:
        """The loss and the metrics."""
        return tasks.TASKS[self.loss]

    def only_trained(self, new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[Any, ...]:
        """The new value of each layer that is trained, the old one of each that is frozen."""
        if self.multipliers is None:
            return new
        chosen = list(old)
        for place, multiplier in enumerate(self.multipliers):
            if multiplier:
                chosen[place] = new[place]
        return tuple(chosen)


def initial_network(
    spec: NetworkSpec, features: int, outputs: int, seed: int, second_moment: float = math.nan
) -> Network:
    """An untrained network as NumPy arrays.

    `second_moment` is the mean square of the inputs, to which a critical initialisation is fitted.
    Raises SpecError where that has no solution.
    """
    if spec.init not in initializers.CRITICAL:
        return network.init(spec, features, outputs, seed)
    chosen = theory.critical(spec, second_moment).layers
    variances = [(layer.weight_variance, layer.bias_variance) for layer in chosen]
    return network.init(spec, features, outputs, seed, variances)


def initial_state(
    program: Program, features: int, outputs: int, seed: int, second_moment: float = math.nan
) -> TrainState:
    """The state before the first step, as NumPy arrays; arguments as of `initial_network`."""
    untrained = initial_network(program.network, features, outputs, seed, second_moment)
    optimizer = optimizers.initial_state(program.rule(), untrained.parameters)
    return TrainState(untrained, optimizer, np.zeros((), np.int32))  # type: ignore[arg-type]
