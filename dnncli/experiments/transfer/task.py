"""What a transfer trains: the parent, the layers that are kept, the data, and the runs."""

from dataclasses import dataclass

from dnncli.data import Dataset
from dnncli.experiments.transfer import linear_probe
from dnncli.records import ParentRecord, ProbeRecord
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import Layout, TransferSpec
from dnncli.training.snapshot import Snapshot

TRANSFER = "transfer"
BASELINE = "baseline"


@dataclass(frozen=True)
class Run:
    """One run: of the network with reused layers (TRANSFER) or from scratch (BASELINE)."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Transfer:
    """A transfer with everything resolved: what is trained, on what, from which parent."""

    spec: TransferSpec
    layout: Layout
    parent: Snapshot
    parent_record: ParentRecord
    dataset: Dataset
    probes: tuple[ProbeRecord, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in order: pair by pair, so that a stopped transfer can compare what is done."""
        kinds = (TRANSFER, BASELINE) if self.spec.baseline else (TRANSFER,)
        first = self.layout.run.seed
        return tuple(Run(kind, first + k) for k in range(self.spec.seeds) for kind in kinds)


def prepare(
    spec: TransferSpec, parent: Snapshot, record: ParentRecord, dataset: Dataset
) -> Transfer:
    """Choose with --keep auto how many layers are kept, and lay out the new network.

    parent, record and dataset: as `models.for_new_task` returns them.
    Raises SpecError for layers that are not there, not kept, or cannot be probed.
    """
    probes: tuple[ProbeRecord, ...] = ()
    depth = None
    if spec.keep == transfer_spec.AUTO:
        probes = tuple(linear_probe.probe(parent, dataset.train))
        depth = linear_probe.choose(probes)
    data = transfer_spec.data_spec(parent.spec.data, spec.options, parent.data.scaling.kind)
    layout = transfer_spec.layout(
        spec,
        parent.spec,
        data,
        same_classes=_same_classes(spec, parent, record, dataset),
        depth=depth,
    )
    return Transfer(spec, layout, parent, record, dataset, probes)


def _same_classes(
    spec: TransferSpec, parent: Snapshot, record: ParentRecord, dataset: Dataset
) -> bool:
    """Whether the parent's output layer is for the classes of the new task.

    An external model does not know its classes: they are the same where --head keep says so.
    """
    known = record.data is not None or spec.head == "keep"
    return known and dataset.class_names == parent.data.class_names
