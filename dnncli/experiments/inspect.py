"""What a checkpoint, or a model from elsewhere, holds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dnncli.interop import Model
from dnncli.nn import network
from dnncli.nn.network import Layer, Moments, Parameters, Statistics
from dnncli.records import InspectRecord, LayerPart, TensorRecord
from dnncli.spec import NetworkSpec
from dnncli.training.snapshot import Snapshot


def inspect(snapshot: Snapshot, path: str, versions: Mapping[str, str]) -> InspectRecord:
    """A run's checkpoint: the best epoch's network and how it came about."""
    spec = snapshot.spec.network
    sources: tuple[tuple[str, ...], ...] = ((),) * len(spec.layers())
    return InspectRecord(
        config=snapshot.spec.options(),
        checkpoint=path,
        format="dnncli",
        layers=_layers(spec, snapshot.parameters, snapshot.statistics, sources),
        parameters=network.count(snapshot.parameters),
        data=snapshot.data.record,
        class_names=snapshot.data.class_names,
        epoch=snapshot.epoch,
        best_epoch=snapshot.best_epoch,
        history=snapshot.history,
        steps=snapshot.flight,
        origin=snapshot.origin,
        versions=dict(versions),
    )


def inspect_model(model: Model, path: str) -> InspectRecord:
    """A model from elsewhere, as it was understood."""
    sources = tuple(
        (*names, *notes) for names, notes in zip(model.tensors, model.notes, strict=True)
    )
    return InspectRecord(
        config={"hidden": list(model.spec.hidden), "act": model.spec.act, "bn": model.spec.bn},
        checkpoint=path,
        format=model.framework,
        layers=_layers(model.spec, model.parameters, model.statistics, sources),
        parameters=network.count(model.parameters),
        data=None,
        class_names=(),
        epoch=0,
        best_epoch=0,
        history=(),
        steps=(),
        origin=None,
        versions={},
    )


def _layers(
    spec: NetworkSpec,
    parameters: Parameters,
    statistics: Statistics,
    sources: tuple[tuple[str, ...], ...],
) -> tuple[LayerPart, ...]:
    rows = zip(spec.layers(), parameters, statistics, sources, strict=True)
    return tuple(_part(spec, *row) for row in rows)


def _part(
    spec: NetworkSpec, name: str, layer: Layer, moments: Moments | None, source: tuple[str, ...]
) -> LayerPart:
    words = ["batch norm"] * (moments is not None) + [spec.act if name != "output" else "softmax"]
    return LayerPart(
        name, layer.kernel.shape[1], ", ".join(words), source, tuple(_tensors(name, layer, moments))
    )


def _tensors(name: str, layer: Layer, moments: Moments | None) -> list[TensorRecord]:
    norm = {"scale": layer.scale, "offset": layer.offset, **(moments._asdict() if moments else {})}
    parts: dict[str, Any] = {"kernel": layer.kernel, "bias": layer.bias, "slope": layer.slope}
    parts |= {f"norm.{key}": value for key, value in norm.items()}
    return [
        TensorRecord(
            f"{name}.{key}",
            tuple(value.shape),
            float(np.linalg.norm(np.asarray(value, np.float64))),
        )
        for key, value in parts.items()
        if value is not None
    ]
