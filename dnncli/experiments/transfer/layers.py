"""Layer reuse: an untrained network that takes layers of a trained one, its parent."""

from dataclasses import replace

from dnncli.nn.network import Layer, Moments, Network, kernels_of
from dnncli.records import OriginRecord, ParentRecord
from dnncli.spec.transfer import Layout
from dnncli.training.snapshot import Snapshot

LayerState = tuple[Layer, Moments | None]  # a layer's parameters and batch-norm moments


def reuse_layers(
    layout: Layout, parent: Snapshot, record: ParentRecord, fresh: Snapshot
) -> Snapshot:
    """The untrained network `fresh` with the parent's best weights in the layers that are kept.

    The other layers stay as they were drawn, so that a run from scratch with the same seed starts
    with the same ones. `record` is stored as the network's origin.
    """
    trained = _layer_states(parent)
    states = _layer_states(fresh)
    for name in layout.kept:
        states[name] = trained[name]
    parameters, statistics = zip(*states.values(), strict=True)
    network = Network(parameters, statistics)
    state = fresh.state._replace(network=network)
    origin = OriginRecord(record, layout.kept, layout.reinitialised, layout.frozen)
    start = kernels_of(parameters)
    return replace(fresh, state=state, network=network, origin=origin, start=start)


def _layer_states(snapshot: Snapshot) -> dict[str, LayerState]:
    """Parameters and moments of the best epoch by the layers' names."""
    states = zip(*snapshot.network, strict=True)
    return dict(zip(snapshot.spec.network.layers(), states, strict=True))


def parent_record(
    path: str, sha256: str, parent: Snapshot, *, external: bool = False
) -> ParentRecord:
    """What results and checkpoints tell of the parent.

    external: the file does not say what the network was trained on.
    """
    data = parent.data
    record = ParentRecord(
        path=path,
        sha256=sha256,
        layers=parent.spec.network.layers(),
        act=parent.spec.network.act,
        features=data.record.features,
        classes=data.class_names or data.record.targets,
        data=data.record.name,
        fingerprint=data.record.fingerprint,
        epoch=parent.history.best_epoch,
        origin=parent.origin,
    )
    return replace(record, data=None, fingerprint=None) if external else record
