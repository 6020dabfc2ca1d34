"""Tensors out of a checkpoint, each checked and taken once; those of the features' scaling too."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Int32

from dnncli.data import Scaling
from dnncli.errors import CheckpointError
from dnncli.nn import network, optimizers
from dnncli.nn.network import Network, Parameters
from dnncli.records import DataRecord
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.training import placement
from dnncli.training.tensor_names import optimizer_leaves, part_name


def take(tensors: dict[str, np.ndarray], name: str, expected: Any) -> Any:
    """Remove and return a tensor, checked against the shape and dtype it must have.

    Raises CheckpointError where it is missing or does not fit.
    """
    if name not in tensors:
        raise CheckpointError(f"the tensor {name!r} is missing.")
    tensor = tensors.pop(name)
    if tensor.shape != expected.shape or tensor.dtype != expected.dtype:
        found = _shape_text(tensor)
        raise CheckpointError(f"the tensor {name!r} is {found}, not {_shape_text(expected)}.")
    return tensor


def _shape_text(tensor: Any) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"


def scaling_tensors(scaling: Scaling) -> dict[str, np.ndarray]:
    """A scaling's arrays by name; those that not every kind has only where there are some."""
    tensors = {"scaling/offset": scaling.offset, "scaling/scale": scaling.scale}
    if scaling.limit is not None:
        tensors["scaling/limit"] = scaling.limit
    if scaling.source is not None:
        tensors["scaling/source"] = scaling.source
    return tensors


def take_scaling(tensors: dict[str, np.ndarray], record: DataRecord) -> Scaling:
    """The scaling of the features. Raises CheckpointError as `take` does."""
    kind = record.scaling
    expected = placement.shape((record.features,))
    offset = take(tensors, "scaling/offset", expected)
    scale = take(tensors, "scaling/scale", expected)
    limit = None
    # Pieces from 0 to 1, as they were at first, have no limit.
    if kind == "robust" or (kind == "piecewise" and "scaling/limit" in tensors):
        limit = take(tensors, "scaling/limit", expected)
    source = None
    if kind == "piecewise":
        source = take(tensors, "scaling/source", placement.shape((record.features,), np.int32))
        _check_source(source)
    return Scaling(kind, offset, scale, limit, source)


def _check_source(source: Int32[np.ndarray, " features"]) -> None:
    """Raise CheckpointError unless every raw feature has pieces, in their order."""
    if source[:1].any() or not np.isin(np.diff(source), (0, 1)).all():
        raise CheckpointError("the tensor 'scaling/source' leaves out a feature.")


def take_network(
    tensors: dict[str, np.ndarray], spec: NetworkSpec, data: DataRecord, prefix: str
) -> Network:
    """The network whose tensors' names begin with the prefix. Raises CheckpointError as `take`."""
    shapes = network.shapes(spec, data.features, data.outputs)
    names = [prefix + name for name in spec.layers()]

    def fill(name: str, part: Any) -> Any:
        """A layer's parts; None where it has none."""
        if part is None:
            return None
        expected = {key: shape for key, shape in part._asdict().items() if shape is not None}
        values = {
            key: take(tensors, f"{name}.{part_name(key)}", shape) for key, shape in expected.items()
        }
        return part._replace(**values)

    parameters = map(fill, names, shapes.parameters)
    return Network(tuple(parameters), tuple(map(fill, names, shapes.statistics)))


def take_optimizer(
    tensors: dict[str, np.ndarray],
    spec: RunSpec,
    parameters: Parameters,
    epoch: int,
    prefix: str = "",
) -> Any:
    """The optimizer's state after an epoch (from 1): that of the layers trained in it.

    Raises CheckpointError as `take`.
    """
    layers = spec.network.layers()
    rule = optimizers.build(spec.update, spec.freezing.multipliers(layers, epoch))
    state = jax.eval_shape(rule.init, parameters)
    leaves = optimizer_leaves(layers, state)
    values = [take(tensors, f"{prefix}optimizer/{name}", leaf) for name, leaf in leaves]
    return jax.tree.unflatten(jax.tree.structure(state), values)
