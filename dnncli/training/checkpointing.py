"""A run as a checkpoint, tensors by name and one JSON record, and a checkpoint as a run."""

from dataclasses import asdict, replace
from typing import Any, get_type_hints

import numpy as np

from dnncli.data.tables.encoding import Encoding
from dnncli.errors import CheckpointError, SpecError
from dnncli.nn import optimizers
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import Network, Parameters, TrainState
from dnncli.records import DataRecord, EpochRecord, LayerRecord, OriginRecord, StepRecord
from dnncli.spec import GROUPS, OWN, NetworkSpec, RunSpec, from_options
from dnncli.storage.checkpoint import Checkpoint
from dnncli.storage.decoding import decode
from dnncli.training import placement, record_json, within
from dnncli.training.data_metadata import image_from, particulars, targets_from
from dnncli.training.decision_metadata import Decision, decision_from, decision_json
from dnncli.training.history import RunHistory
from dnncli.training.snapshot import DataSummary, Snapshot
from dnncli.training.tensor_names import network_tensors, optimizer_leaves
from dnncli.training.tensors import (
    scaling_tensors,
    take,
    take_network,
    take_optimizer,
    take_scaling,
)
from dnncli.training.versions import versions


def to_checkpoint(snapshot: Snapshot) -> Checkpoint:
    """The best network under its layers' names; the last epoch's, if another, under `last/`."""
    best, state = placement.fetch((snapshot.network, snapshot.state))
    history = snapshot.history
    layers = snapshot.spec.network.layers()
    tensors = network_tensors(layers, best)
    if not history.improved:
        last = network_tensors(layers, state.network)
        tensors |= {f"last/{name}": tensor for name, tensor in last.items()}
    leaves = optimizer_leaves(layers, state.optimizer)
    tensors |= {f"optimizer/{name}": leaf for name, leaf in leaves}
    tensors["optimizer/step"] = state.step
    tensors |= scaling_tensors(snapshot.data.scaling)
    tensors |= _start_tensors(snapshot)
    tensors |= within.tensors(layers, snapshot.within)
    arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    return Checkpoint(arrays, _metadata(snapshot), _records(snapshot.history, snapshot.steps))


def _start_tensors(snapshot: Snapshot) -> dict[str, Any]:
    """The kernels a run with reused layers began with; the seed of another draws them again."""
    if snapshot.origin is None or snapshot.start is None:
        return {}
    pairs = zip(snapshot.spec.network.layers(), placement.fetch(snapshot.start), strict=True)
    return {f"start/{name}.kernel": kernel for name, kernel in pairs}


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    """All that is neither a tensor nor grows with the run."""
    data = snapshot.data
    history = snapshot.history
    values = {
        "spec": snapshot.spec.options(),
        "data": _present(vars(data.record)),
        "class_names": list(data.class_names),
        "scaling": data.scaling.kind,
        "epoch": history.epoch,
        "best_epoch": history.best_epoch,
        "seed": snapshot.spec.seed,
        "rng_key": [0, snapshot.spec.seed],
        "versions": versions(snapshot.devices),
    }
    if snapshot.origin:
        values["origin"] = asdict(snapshot.origin)
    values |= decision_json(snapshot)
    values |= within.metadata(snapshot.within)
    return values | particulars(data)


def _records(history: RunHistory, steps: tuple[StepRecord, ...]) -> dict[str, Any]:
    """What has been measured of the run."""
    return {
        "history": [record_json.epoch(record) for record in history.epochs],
        "initial": [record_json.layer(layer) for layer in history.initial],
        "flight": [record_json.step(record) for record in steps],
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    """A data record as older checkpoints have it: without empty `targets`, and `scaling` apart."""
    absent = {"scaling"} if values["targets"] else {"scaling", "targets"}
    return {key: value for key, value in values.items() if key not in absent}


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
    """The snapshot; whatever does not fit raises an error of one of many kinds."""
    tensors = dict(checkpoint.tensors)
    # Older checkpoints have the records among the rest.
    meta = checkpoint.metadata | checkpoint.records
    spec = _spec(meta["spec"])
    kind = decode(str, meta["scaling"], "scaling")
    record = replace(decode(DataRecord, meta["data"], "data"), scaling=kind)
    class_names = decode(tuple[str, ...], meta["class_names"], "class_names")
    best = take_network(tensors, spec.network, record, "")
    scaling = take_scaling(tensors, record)
    encoding = decode(Encoding | None, meta.get("encoding"), "encoding")
    numbers = targets_from(meta, record)
    data = DataSummary(record, class_names, scaling, encoding, numbers, image_from(meta, record))
    origin = decode(OriginRecord | None, meta.get("origin"), "origin")
    decided = decision_from(meta, record.classes)
    stored = decode(dict[str, str], meta.get("versions", {}), "versions")
    if checkpoint.lost:
        return _network_alone(spec, best, data, decided, checkpoint.lost)
    history = _history(spec, meta)
    state = _take_state(tensors, history, record, best)
    start = _take_start(tensors, spec.network, best.parameters)
    under_way = within.take_within(tensors, meta, spec, record)
    if tensors:
        raise CheckpointError(f"it holds {next(iter(tensors))!r}, which the spec has no place for.")
    steps = decode(tuple[StepRecord, ...], meta["flight"], "flight")
    snapshot = Snapshot(history, best, state, data, steps, origin, *decided, start, versions=stored)
    _check(snapshot)
    return replace(snapshot, within=under_way)


def _network_alone(
    spec: RunSpec, best: Network, data: DataSummary, decided: Decision, lost: tuple[str, ...]
) -> Snapshot:
    """The network of a damaged checkpoint as a run without a history."""
    rule = optimizers.build(spec.update)
    step: Any = np.zeros((), np.int32)
    state = TrainState(best, optimizers.initial_state(rule, best.parameters), step)
    threshold, calibration = decided
    snapshot = Snapshot(
        RunHistory(spec), best, state, data, (), None, threshold, calibration, lost=lost
    )
    _check_data(snapshot)
    return snapshot


def _history(spec: RunSpec, meta: dict[str, Any]) -> RunHistory:
    """The run's history."""
    stored = decode(tuple[EpochRecord, ...], meta["history"], "history")
    initial = decode(tuple[LayerRecord, ...], meta["initial"], "initial")
    best_epoch = decode(int, meta["best_epoch"], "best_epoch")
    return RunHistory(spec, tuple(map(_with_metrics, stored)), initial, best_epoch)


def _take_state(
    tensors: dict[str, np.ndarray], history: RunHistory, record: DataRecord, best: Network
) -> TrainState:
    """What the next step needs."""
    spec = history.spec
    last = best
    if not history.improved:
        last = take_network(tensors, spec.network, record, "last/")
    optimizer = take_optimizer(tensors, spec, best.parameters, max(1, history.epoch))
    return TrainState(
        last, optimizer, take(tensors, "optimizer/step", placement.shape((), np.int32))
    )


def _with_metrics(record: EpochRecord) -> EpochRecord:
    """An epoch's record with its accuracy among its metrics."""
    if record.val_accuracy is None:
        return record
    return replace(record, metrics={"accuracy": record.val_accuracy, **record.metrics})


def _spec(values: Any) -> RunSpec:
    """The run that the options describe, each decoded as its field's type."""
    hints = get_type_hints(RunSpec)
    kinds = {name: hints[name] for name in OWN}
    for group in GROUPS.values():
        kinds |= get_type_hints(group)
    options = decode(dict[str, Any], values, "spec")
    decoded = {
        name: decode(kinds.get(name, int), value, f"spec.{name}") for name, value in options.items()
    }
    return from_options(decoded)


def _check(snapshot: Snapshot) -> None:
    """Raise CheckpointError where the records contradict each other or the spec."""
    history = snapshot.history
    if [record.epoch for record in history.epochs] != list(range(1, history.epoch + 1)):
        raise CheckpointError("its history skips an epoch.")
    if not 0 <= history.best_epoch <= history.epoch:
        raise CheckpointError(f"its best epoch is {history.best_epoch} of {history.epoch}.")
    _check_layers(snapshot)
    _check_data(snapshot)


def _check_data(snapshot: Snapshot) -> None:
    """Raise CheckpointError where what is said of the data is contradictory."""
    history = snapshot.history
    data = snapshot.data
    if len(data.class_names) != data.record.classes:
        raise CheckpointError(f"it names {len(data.class_names)} classes.")
    regression = data.numbers is not None
    kinds = {record.val_accuracy is None for record in history.epochs}
    kinds |= {"r2" in record.metrics for record in history.epochs}
    if {snapshot.spec.data.task == "regression", *kinds} != {regression}:
        raise CheckpointError("its run and its targets are of different tasks.")
    if data.encoding and len(data.encoding.features) != data.scaling.taken:
        raise CheckpointError(f"its columns do not make {data.scaling.taken} features.")
    if data.encoding and not data.encoding.estimated:
        raise CheckpointError("effects of its columns' levels are missing.")


def _check_layers(snapshot: Snapshot) -> None:
    """Raise CheckpointError where records are of other layers than the spec's."""
    layers = snapshot.spec.network.layers()
    history = snapshot.history
    shown = [record.layers for record in history.epochs]
    if history.initial:
        shown.append(history.initial)
    named = {_names(record) for record in shown}
    # The replayed steps are of the trained part: of the layers above the frozen ones.
    parts = {_names(step.layers) for step in snapshot.steps}
    uppermost = all(part and layers[-len(part) :] == part for part in parts)
    if named - {layers} or not uppermost:
        raise CheckpointError("its records are of other layers.")


def _names(records: tuple[LayerRecord, ...]) -> tuple[str, ...]:
    return tuple(record.layer for record in records)


def _take_start(
    tensors: dict[str, np.ndarray], spec: NetworkSpec, parameters: Parameters
) -> Kernels | None:
    """The kernels before the first step; None of a run from scratch, and of older checkpoints."""
    if f"start/{spec.layers()[0]}.kernel" not in tensors:
        return None
    pairs = zip(spec.layers(), parameters, strict=True)
    return tuple(take(tensors, f"start/{name}.kernel", layer.kernel) for name, layer in pairs)
