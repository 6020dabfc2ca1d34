"""Deep networks between the host, which has layers, and programs, which have stacks of them."""

from collections.abc import Sequence
from typing import Any

from dnncli.nn import optimizers, stacks
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import Network, TrainState
from dnncli.training.program import Program


def _lengths(program: Program, layers: Sequence[Any]) -> tuple[int, ...]:
    """How many layers each entry stands for in a program.

    Layers are one by one where some are frozen, or have a rate of their own, and for LAMB, whose
    step has a length of each layer's own.
    """
    if program.multipliers is not None or program.update.optimizer == "lamb":
        return (1,) * len(layers)
    return stacks.runs(layers)


def packed(program: Program, state: TrainState) -> TrainState:
    """A state as a program has it; one that a program left stays as it is."""
    own = _lengths(program, state.network.parameters)
    if max(own) == 1 or _holds_stacks(state.network):
        return state

    def change(layers: tuple[Any, ...]) -> tuple[Any, ...]:
        return stacks.packed(layers, own)

    optimizer = optimizers.change_slots(change, state.optimizer, state.network.parameters)
    network = Network(*map(change, state.network))
    return state._replace(network=network, optimizer=optimizer)


def unpacked(state: TrainState) -> TrainState:
    """A state with layers alone."""
    if not _holds_stacks(state.network):
        return state
    parameters = state.network.parameters
    own = [stacks.count(layer) for layer in parameters]

    def change(layers: tuple[Any, ...]) -> tuple[Any, ...]:
        return stacks.unpacked(layers, own)

    optimizer = optimizers.change_slots(change, state.optimizer, parameters)
    network = Network(*map(change, state.network))
    return state._replace(network=network, optimizer=optimizer)


def packed_kernels(program: Program, kernels: Kernels) -> Kernels:
    """The kernels of a network's layers as a program has them."""
    own = _lengths(program, kernels)
    return kernels if max(own) == 1 else stacks.packed(kernels, own)


def packed_network(network: Network) -> Network:
    """A network as a forward pass has it."""
    own = stacks.runs(network.parameters)
    if max(own) == 1:
        return network
    return Network(*(stacks.packed(part, own) for part in network))


def _holds_stacks(network: Network) -> bool:
    return any(map(stacks.is_stack, network.parameters))
