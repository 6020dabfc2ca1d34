"""What a transfer trains: the parent, the layers that are kept, the data, and the runs."""

from dataclasses import dataclass, replace
from functools import partial

from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.experiments.transfer import budget, candidates, linear_probe
from dnncli.experiments.transfer.candidates import Choice
from dnncli.records import ParentRecord, ProbeRecord, ReuseRace
from dnncli.spec import DataSpec, RunSpec
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
    """A transfer with everything resolved: what is trained, on what, from which parent.

    reusing, from_scratch: what --keep auto has to choose from; until it has, the layout is the
    first one that reuses layers. scratch: what the runs from scratch train; None: the same layout
    without the parent's layers.
    """

    spec: TransferSpec
    layout: Layout
    parent: Snapshot
    parent_record: ParentRecord
    dataset: Dataset
    probes: tuple[ProbeRecord, ...] = ()
    reusing: tuple[Choice, ...] = ()
    from_scratch: tuple[Choice, ...] = ()
    scratch: Layout | None = None
    race: ReuseRace | None = None

    @property
    def baseline(self) -> Layout:
        """What the runs from scratch train."""
        return self.scratch or transfer_spec.from_scratch(self.layout)

    @property
    def first_depth(self) -> str:
        """The last layer that is kept as the probes have it."""
        return f"hidden{self.reusing[0].keep}"

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in order: pair by pair, so that a stopped transfer can compare what is done.

        Where no layer is kept, a baseline would be the same runs again.
        """
        paired = self.spec.baseline and self.layout.reuses
        kinds = (TRANSFER, BASELINE) if paired else (TRANSFER,)
        first = self.layout.run.seed
        return tuple(Run(kind, first + k) for k in range(self.spec.seeds) for kind in kinds)


def prepare(
    spec: TransferSpec, parent: Snapshot, record: ParentRecord, dataset: Dataset
) -> Transfer:
    """Lay out the new network; with --keep auto probe the parent, and lay out what may be chosen.

    parent, record and dataset: as `models.for_new_task` returns them.
    Raises SpecError for layers that are not there, not kept, or cannot be probed.
    """
    data = transfer_spec.data_spec(parent.spec.data, spec.options, parent.data.scaling.kind)
    same_classes = _same_classes(spec, parent, record, dataset)
    if dataset.quantities is not None:
        data = replace(data, task=dataset.task)
    if spec.keep != transfer_spec.AUTO:
        layout = transfer_spec.layout(spec, parent.spec, data, same_classes=same_classes)
        layout = replace(layout, run=layout.run.resolved(dataset.task))
        return Transfer(spec, layout, parent, record, dataset)
    if dataset.quantities is not None:
        raise SpecError(
            "--keep auto: it goes by how well a linear classifier tells classes, and the target is"
            " a number; say how many layers to keep.",
            option="--keep",
        )
    probes = tuple(linear_probe.probe(parent, dataset.train))
    lay_out = partial(_lay_out, parent=parent.spec, data=data, same_classes=same_classes)
    hidden = len(parent.spec.network.hidden)
    tried = candidates.depths(linear_probe.choose(probes), hidden)
    run = lay_out(candidates.everything_open(spec), hidden).run
    needed = budget.in_steps(run, spec.options, len(dataset.train))
    spec = replace(spec, options={**spec.options, **needed})
    run = lay_out(candidates.everything_open(spec), hidden).run
    reusing = candidates.reusing(spec, tried, run, lay_out)
    from_scratch = candidates.from_scratch(spec, tried, run, lay_out)
    layout = reusing[0].layout
    return Transfer(spec, layout, parent, record, dataset, probes, reusing, from_scratch)


def _lay_out(
    spec: TransferSpec, depth: int, *, parent: RunSpec, data: DataSpec, same_classes: bool
) -> Layout:
    """The layout of a spec that keeps so many hidden layers."""
    return transfer_spec.layout(spec, parent, data, same_classes=same_classes, depth=depth)


def _same_classes(
    spec: TransferSpec, parent: Snapshot, record: ParentRecord, dataset: Dataset
) -> bool:
    """Whether the parent's output layer is for the classes of the new task.

    An external model does not know its classes: they are the same where --head keep says so.
    """
    known = record.data is not None or spec.head == "keep"
    same = dataset.record().targets == parent.data.record.targets
    return known and same and dataset.class_names == parent.data.class_names
