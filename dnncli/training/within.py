"""An epoch under way in a checkpoint: its tensors stand under `within/`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dnncli.nn.network import TrainState
from dnncli.records import DataRecord
from dnncli.spec import RunSpec
from dnncli.storage.decoding import decode
from dnncli.training import placement
from dnncli.training.snapshot import Within
from dnncli.training.tensor_names import network_tensors, optimizer_leaves
from dnncli.training.tensors import take, take_network, take_optimizer

PREFIX = "within/"


def tensors(layers: tuple[str, ...], within: Within | None) -> dict[str, Any]:
    """Its state, and what its blocks left, by name."""
    if within is None:
        return {}
    state = placement.fetch(within.state)
    leaves = optimizer_leaves(layers, state.optimizer)
    found = network_tensors(layers, state.network)
    found |= {f"optimizer/{name}": leaf for name, leaf in leaves}
    found["optimizer/step"] = state.step
    found |= {f"left/{place}": leaf for place, leaf in enumerate(within.left)}
    return {PREFIX + name: tensor for name, tensor in found.items()}


def left_out(held: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The other tensors of a checkpoint."""
    return {name: tensor for name, tensor in held.items() if not name.startswith(PREFIX)}


def metadata(within: Within | None) -> dict[str, Any]:
    """How many blocks are done; nothing where no epoch is under way."""
    return {} if within is None else {"within": within.blocks}


def take_within(
    held: dict[str, np.ndarray], meta: dict[str, Any], spec: RunSpec, record: DataRecord
) -> Within | None:
    """The epoch under way, whose blocks the training looks at. Raises CheckpointError."""
    blocks = decode(int | None, meta.get("within"), "within")
    if blocks is None:
        return None
    network = take_network(held, spec.network, record, PREFIX)
    optimizer = take_optimizer(held, spec, network.parameters, 1, PREFIX)
    step = take(held, f"{PREFIX}optimizer/step", placement.shape((), np.int32))
    names = [name for name in held if name.startswith(f"{PREFIX}left/")]
    places = range(len(names))
    left = tuple(held.pop(f"{PREFIX}left/{place}") for place in places)
    return Within(blocks, TrainState(network, optimizer, step), left)
