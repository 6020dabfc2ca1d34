"""A run at the end of an epoch, and its form as a checkpoint: tensors by name and one JSON record."""

import math
import os
import platform
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

import jax
import jaxlib.version
import numpy as np
import optax

from dnncli import __version__
from dnncli.data import Dataset, Scaling
from dnncli.data.tables.encoding import Encoding
from dnncli.errors import CheckpointError, SpecError
from dnncli.nn import network, optimizers
from dnncli.nn.network import Parameters, Statistics, TrainState
from dnncli.records import DataRecord, EpochRecord, LayerRecord, OriginRecord, StepRecord
from dnncli.spec import GROUPS, NetworkSpec, RunSpec, from_options
from dnncli.storage.checkpoint import Checkpoint
from dnncli.storage.decoding import decode

NORM_PARTS = ("scale", "offset", "mean", "variance")


@dataclass(frozen=True)
class DataSummary:
    """What a network must know of the data it was trained on."""

    record: DataRecord
    class_names: tuple[str, ...]
    scaling: Scaling
    encoding: Encoding | None = None  # of a table's columns


@dataclass(frozen=True)
class Snapshot:
    """A run after some epochs: the state to go on from, and the best epoch's network."""

    spec: RunSpec
    data: DataSummary
    state: TrainState
    parameters: Parameters  # the best epoch's
    statistics: Statistics
    best_epoch: int  # 0: before the first epoch
    history: tuple[EpochRecord, ...] = ()
    initial: tuple[LayerRecord, ...] = ()
    flight: tuple[StepRecord, ...] = ()  # the last steps before the run broke, if it did
    origin: OriginRecord | None = None  # of layers taken from another network

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history)


def summary(dataset: Dataset) -> DataSummary:
    """What to keep of a dataset."""
    return DataSummary(dataset.record(), dataset.class_names, dataset.scaling, dataset.encoding)


def to_checkpoint(snapshot: Snapshot) -> Checkpoint:
    """Best network under its layers' names; where it is another, the last epoch's under `last/`."""
    state, best = jax.device_get((snapshot.state, (snapshot.parameters, snapshot.statistics)))
    layers = snapshot.spec.network.layers()
    tensors = _network_tensors(layers, *best)
    if snapshot.best_epoch != snapshot.epoch:
        last = _network_tensors(layers, state.parameters, state.statistics)
        tensors |= {f"last/{name}": tensor for name, tensor in last.items()}
    tensors |= {
        f"optimizer/{name}": leaf for name, leaf in optimizer_leaves(layers, state.optimizer)
    }
    tensors |= {"optimizer/step": state.step}
    tensors |= {
        "scaling/offset": snapshot.data.scaling.offset,
        "scaling/scale": snapshot.data.scaling.scale,
    }
    return Checkpoint({k: np.asarray(v) for k, v in tensors.items()}, _metadata(snapshot))


def kernels(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """The best epoch's kernels by layer, on the host."""
    layers = snapshot.spec.network.layers()
    host = jax.device_get(snapshot.parameters)
    return {name: np.asarray(layer.kernel) for name, layer in zip(layers, host, strict=True)}


def _network_tensors(
    layers: tuple[str, ...], parameters: Parameters, statistics: Statistics
) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    for name, layer, moments in zip(layers, parameters, statistics, strict=True):
        parts = {**layer._asdict(), **(moments._asdict() if moments else {})}
        tensors |= {f"{name}.{_part(key)}": part for key, part in parts.items() if part is not None}
    return tensors


def _part(key: str) -> str:
    return f"norm.{key}" if key in NORM_PARTS else key


def optimizer_leaves(layers: tuple[str, ...], state: Any) -> list[tuple[str, Any]]:
    """Leaves with their places as names: `0/mu/hidden1.kernel`, `0/count`."""
    return [
        (_place(layers, path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    ]


def _place(layers: tuple[str, ...], path: tuple[Any, ...]) -> str:
    """A leaf's name; the last index and attribute of a parameter-shaped tree are layer and part."""
    keys = [
        str(getattr(key, "name", getattr(key, "idx", getattr(key, "key", key)))) for key in path
    ]
    if len(keys) >= 2 and keys[-1] in network.Layer._fields:
        keys[-2:] = [f"{layers[int(keys[-2])]}.{_part(keys[-1])}"]
    return "/".join(keys)


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    data = snapshot.data
    return {
        "spec": snapshot.spec.options(),
        "data": vars(data.record),
        "class_names": list(data.class_names),
        "scaling": data.scaling.kind,
        "epoch": snapshot.epoch,
        "best_epoch": snapshot.best_epoch,
        "seed": snapshot.spec.seed,
        "rng_key": [0, snapshot.spec.seed],
        "history": [_epoch_json(record) for record in snapshot.history],
        "initial": [_plain(_layer_json(layer)) for layer in snapshot.initial],
        "flight": [_step_json(record) for record in snapshot.flight],
        "versions": versions(),
        **({"origin": asdict(snapshot.origin)} if snapshot.origin else {}),
        **({"encoding": data.encoding.json()} if data.encoding else {}),
    }


def versions() -> dict[str, str]:
    """What the numbers depend on besides the seed; on CPU also the number of threads."""
    parts = {
        "dnncli": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "optax": optax.__version__,
    }
    devices = jax.devices()
    machine = {
        "python": platform.python_version(),
        "device": devices[0].device_kind,
        "threads": str(threads()),
    }
    return parts | {"numpy": np.__version__} | machine


def threads() -> int:
    """How many threads XLA uses on CPU: results depend on it in the last bits."""
    return int(os.environ.get("NPROC", 0)) or len(os.sched_getaffinity(0))


def _epoch_json(record: EpochRecord) -> dict[str, Any]:
    """An epoch without its wall time, so that straight and interrupted runs give the same bytes."""
    values = {key: value for key, value in vars(record).items() if key != "seconds"}
    return _plain({**values, "layers": [_layer_json(layer) for layer in record.layers]})


def _step_json(record: StepRecord) -> Any:
    return _plain({**vars(record), "layers": [_layer_json(layer) for layer in record.layers]})


def _layer_json(record: LayerRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key != "frozen" or value}


def _plain(value: Any) -> Any:
    """Strict JSON: NaN and infinities as strings, since JSON has no numbers for them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_checkpoint(checkpoint: Checkpoint, path: object) -> Snapshot:
    """The run a checkpoint holds, every name, shape and dtype checked against its spec.

    Raises CheckpointError, naming `path`, for anything that does not fit.
    """
    try:
        return _restore(checkpoint)
    except CheckpointError as error:
        raise CheckpointError(f"{path} does not fit its own spec: {error}") from None
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, SpecError) as error:
        raise CheckpointError(f"{path} describes no run: {type(error).__name__}: {error}") from None


def _restore(checkpoint: Checkpoint) -> Snapshot:
    tensors, meta = dict(checkpoint.tensors), checkpoint.metadata
    spec, record = _spec(meta["spec"]), decode(DataRecord, meta["data"], "data")
    history = decode(tuple[EpochRecord, ...], meta["history"], "history")
    best_epoch = decode(int, meta["best_epoch"], "best_epoch")
    class_names = decode(tuple[str, ...], meta["class_names"], "class_names")
    parameters, statistics = _take_network(tensors, spec.network, record, "")
    last = parameters, statistics
    if best_epoch != len(history):
        last = _take_network(tensors, spec.network, record, "last/")
    optimizer = _take_optimizer(tensors, spec, parameters, max(1, len(history)))
    step = _take(tensors, "optimizer/step", jax.ShapeDtypeStruct((), np.int32))
    wide = jax.ShapeDtypeStruct((record.features,), np.float32)
    kind = decode(str, meta["scaling"], "scaling")
    scaling = Scaling(
        kind, _take(tensors, "scaling/offset", wide), _take(tensors, "scaling/scale", wide)
    )
    if tensors:
        raise CheckpointError(f"it holds {next(iter(tensors))!r}, which the spec has no place for.")
    snapshot = Snapshot(
        spec,
        DataSummary(
            record, class_names, scaling, decode(Encoding | None, meta.get("encoding"), "encoding")
        ),
        TrainState(*last, optimizer, step),
        parameters,
        statistics,
        best_epoch,
        history,
        decode(tuple[LayerRecord, ...], meta["initial"], "initial"),
        decode(tuple[StepRecord, ...], meta["flight"], "flight"),
        decode(OriginRecord | None, meta.get("origin"), "origin"),
    )
    _check(snapshot)
    return snapshot


def _spec(values: Any) -> RunSpec:
    kinds = {
        name: kind for group in GROUPS.values() for name, kind in get_type_hints(group).items()
    }
    options = decode(dict[str, Any], values, "spec")
    return from_options({k: decode(kinds.get(k, int), v, f"spec.{k}") for k, v in options.items()})


def _check(snapshot: Snapshot) -> None:
    """Raise CheckpointError where the records contradict each other or the spec."""
    history, layers = snapshot.history, snapshot.spec.network.layers()
    told = [record.layers for record in history] + ([snapshot.initial] if snapshot.initial else [])
    names = [tuple(figures.layer for figures in record) for record in told]
    flown = [tuple(figures.layer for figures in step.layers) for step in snapshot.flight]
    if [record.epoch for record in history] != list(range(1, len(history) + 1)):
        raise CheckpointError("its history skips an epoch.")
    if not 0 <= snapshot.best_epoch <= len(history):
        raise CheckpointError(f"its best epoch is {snapshot.best_epoch} of {len(history)}.")
    # A flight is of the trained part: what stands above the frozen layers.
    if set(names) - {layers} or any(not part or layers[-len(part) :] != part for part in flown):
        raise CheckpointError("its records are of other layers.")
    if len(snapshot.data.class_names) != snapshot.data.record.classes:
        raise CheckpointError(f"it names {len(snapshot.data.class_names)} classes.")
    if (
        snapshot.data.encoding
        and len(snapshot.data.encoding.features) != snapshot.data.record.features
    ):
        raise CheckpointError(f"its columns do not make {snapshot.data.record.features} features.")


def _take(tensors: dict[str, np.ndarray], name: str, expected: Any) -> Any:
    """Remove and return a tensor, checked against the shape and dtype it must have."""
    if name not in tensors:
        raise CheckpointError(f"the tensor {name!r} is missing.")
    tensor = tensors.pop(name)
    if tensor.shape != expected.shape or tensor.dtype != expected.dtype:
        found, need = (f"{t.dtype} {tuple(t.shape)}" for t in (tensor, expected))
        raise CheckpointError(f"the tensor {name!r} is {found}, not {need}.")
    return tensor


def _take_network(
    tensors: dict[str, np.ndarray], spec: NetworkSpec, data: DataRecord, prefix: str
) -> tuple[Parameters, Statistics]:
    parameters, statistics = network.shapes(spec, data.features, data.classes)
    names = [prefix + name for name in spec.layers()]

    def fill(name: str, part: Any) -> Any:
        values = {
            k: _take(tensors, f"{name}.{_part(k)}", s)
            for k, s in part._asdict().items()
            if s is not None
        }
        return part._replace(**values)

    filled = tuple(fill(name, layer) for name, layer in zip(names, parameters, strict=True))
    return filled, tuple(
        moments and fill(name, moments) for name, moments in zip(names, statistics, strict=True)
    )


def _take_optimizer(
    tensors: dict[str, np.ndarray], spec: RunSpec, parameters: Parameters, epoch: int
) -> Any:
    """The optimizer's state after an epoch (from 1): it has what belongs to the layers trained in it."""
    layers = spec.network.layers()
    rule = optimizers.build(spec.update, spec.freezing.factors(layers, epoch))
    state = jax.eval_shape(rule.init, parameters)
    leaves = optimizer_leaves(layers, state)
    values = [_take(tensors, f"optimizer/{name}", leaf) for name, leaf in leaves]
    return jax.tree.unflatten(jax.tree.structure(state), values)
