"""A new network with layers of a trained one."""

from dataclasses import replace

from dnncli.nn.network import Layer, Moments
from dnncli.records import OriginRecord, ParentRecord
from dnncli.spec.transfer import Layout
from dnncli.training.snapshot import Snapshot

Part = tuple[Layer, Moments | None]


def graft(layout: Layout, parent: Snapshot, told: ParentRecord, fresh: Snapshot) -> Snapshot:
    """An untrained network whose kept layers are as the parent's best epoch left them.

    All others stay as they were drawn: a run from scratch with the same seed starts with the same ones.
    """
    own = _parts(parent)
    layers = [own[name] if name in layout.kept else part for name, part in _parts(fresh).items()]
    parameters, statistics = (
        tuple(layer for layer, _ in layers),
        tuple(moments for _, moments in layers),
    )
    state = fresh.state._replace(parameters=parameters, statistics=statistics)
    origin = OriginRecord(told, layout.kept, layout.reinitialised, layout.frozen)
    return replace(fresh, state=state, parameters=parameters, statistics=statistics, origin=origin)


def _parts(snapshot: Snapshot) -> dict[str, Part]:
    """Parameters and moments of the best epoch by the layers' names."""
    parts = zip(snapshot.parameters, snapshot.statistics, strict=True)
    return dict(zip(snapshot.spec.network.layers(), parts, strict=True))


def parent_record(
    path: str, sha256: str, parent: Snapshot, *, elsewhere: bool = False
) -> ParentRecord:
    """What to tell of the parent; a model from elsewhere does not say what it was trained on."""
    data = parent.data
    return ParentRecord(
        path=path,
        sha256=sha256,
        layers=parent.spec.network.layers(),
        act=parent.spec.network.act,
        features=data.record.features,
        classes=data.class_names,
        data=None if elsewhere else data.record.name,
        fingerprint=None if elsewhere else data.record.fingerprint,
        epoch=parent.best_epoch,
        origin=parent.origin,
    )
