"""What a checkpoint or an external model holds."""

from collections.abc import Iterator

import numpy as np

from dnncli.interop import Model
from dnncli.nn import network
from dnncli.nn.network import Layer, Moments, Network
from dnncli.records import InspectRecord, LayerPart, SourceNote, SourceTensor, TensorRecord
from dnncli.spec import NetworkSpec
from dnncli.training.snapshot import Snapshot
from dnncli.training.versions import differences

Sources = tuple[SourceTensor | SourceNote, ...]


def inspect(snapshot: Snapshot, path: str, compared: bool = False) -> InspectRecord:
    """What a run's checkpoint holds: the best epoch's network and its history.

    compared: with this machine and what is installed here.
    """
    spec = snapshot.spec.network
    output = "softmax" if snapshot.data.numbers is None else "identity"
    changed = differences(snapshot.versions) if compared else None
    no_sources: tuple[Sources, ...] = ((),) * len(spec.layers())
    return InspectRecord(
        config=snapshot.spec.options(),
        checkpoint=path,
        format="dnncli",
        layers=_layers(spec, snapshot.network, no_sources, output),
        parameters=snapshot.parameters,
        data=snapshot.data.record,
        class_names=snapshot.data.class_names,
        epoch=snapshot.history.epoch,
        best_epoch=snapshot.history.best_epoch,
        history=snapshot.history.epochs,
        steps=snapshot.steps,
        origin=snapshot.origin,
        versions=dict(snapshot.versions),
        changed=changed,
    )


def inspect_model(model: Model, path: str) -> InspectRecord:
    """What an external model holds, as it was understood."""
    sources = zip(model.tensors, model.notes, strict=True)
    named: tuple[Sources, ...] = tuple((*names, *notes) for names, notes in sources)
    return InspectRecord(
        config={"hidden": list(model.spec.hidden), "act": model.spec.act, "bn": model.spec.bn},
        checkpoint=path,
        format=model.framework,
        layers=_layers(model.spec, model.network, named, "softmax"),
        parameters=network.count(model.network.parameters),
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
    spec: NetworkSpec, trained: Network, sources: tuple[Sources, ...], output: str
) -> tuple[LayerPart, ...]:
    """Every layer's description; sources: its names in the file; output: the last activation."""
    activations = [*(spec.act for _ in spec.hidden), output]
    rows = zip(activations, spec.layers(), *trained, sources, strict=True)
    return tuple(_layer(*row) for row in rows)


def _layer(
    activation: str, name: str, layer: Layer, moments: Moments | None, source: Sources
) -> LayerPart:
    words = [activation] if moments is None else ["batch norm", activation]
    units = layer.kernel.shape[1]
    return LayerPart(name, units, ", ".join(words), source, tuple(_tensors(name, layer, moments)))


def _tensors(name: str, layer: Layer, moments: Moments | None) -> Iterator[TensorRecord]:
    """Shape and norm of each tensor of a layer, in the order in which they are shown."""
    parts = {
        "kernel": layer.kernel,
        "bias": layer.bias,
        "slope": layer.slope,
        "norm.scale": layer.scale,
        "norm.offset": layer.offset,
    }
    if moments is not None:
        parts |= {f"norm.{key}": value for key, value in moments._asdict().items()}
    for key, value in parts.items():
        if value is not None:
            norm = float(np.linalg.norm(np.asarray(value, np.float64)))
            yield TensorRecord(f"{name}.{key}", tuple(value.shape), norm)
