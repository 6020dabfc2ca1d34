"""What a checkpoint tells of its run: what `report` makes a page of."""

from dataclasses import dataclass

from dnncli.records.common import DataRecord, StepRecord
from dnncli.records.data import ClassCount, TargetRecord
from dnncli.records.evaluation import SplitRecord
from dnncli.records.notices import Notice
from dnncli.records.training import TrainRecord
from dnncli.records.transfer import OriginRecord


@dataclass(frozen=True)
class ColumnStory:
    """How a network understands a column of a table.

    kind: number, time, code or text. levels: of a code or text, each a feature; one more is for any
    other value. median: what stands for a missing number, None where a category has no place for
    one. missing: whether missing values have a feature of their own. features: how many it makes.
    effects_on: what levels have effects on, instead of a feature each.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    median: float | None
    missing: bool
    features: int
    effects_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What only the data can tell: scores of their splits, how many examples a class has.

    classes: of the training examples; targets: of a regression's.
    """

    splits: dict[str, SplitRecord]
    classes: tuple[ClassCount, ...]
    targets: tuple[TargetRecord, ...]
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class RunStory:
    """A stored run. run: as `train` gives it, without test score and diagnosis where `known` is
    None: then the data were not read.

    steps: the last ones before it broke, or met a condition. sha256: of the checkpoint's file.
    scaling: how features are scaled.
    """

    run: TrainRecord
    steps: tuple[StepRecord, ...]
    columns: tuple[ColumnStory, ...]
    scaling: str
    origin: OriginRecord | None
    versions: dict[str, str]
    sha256: str
    known: Known | None = None

    @property
    def data(self) -> DataRecord:
        """What it was trained on."""
        return self.run.data
