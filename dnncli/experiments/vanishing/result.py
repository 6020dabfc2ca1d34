"""The demonstration's record: every case, what mends the sick ones, and what they teach."""

from collections.abc import Mapping, Sequence
from typing import Any

from dnncli.data import Dataset
from dnncli.experiments.vanishing.conclusion import conclusion
from dnncli.experiments.vanishing.promises import growth_lines, promises
from dnncli.records import CaseRecord, DemoRecord


def result(config: Mapping[str, Any], dataset: Dataset, cases: Sequence[CaseRecord]) -> DemoRecord:
    """The record of all cases."""
    return DemoRecord(
        config=dict(config),
        data=dataset.record(),
        cases=tuple(cases),
        moral=conclusion(cases),
        promises=tuple(promises(cases)),
        growth=tuple(growth_lines(cases)),
    )
