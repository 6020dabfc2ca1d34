"""Which results have a page, and who makes it."""

from collections.abc import Callable
from typing import Any

from dnncli.records import (
    ComparisonRecord,
    DemoRecord,
    DoctorRecord,
    EvalRecord,
    TrainRecord,
    TransferRecord,
)
from dnncli.records.story import RunStory
from dnncli.records.tour import TourRecord
from dnncli.report.escaping import escaped_strings
from dnncli.report.page import comparison, doctor, evaluation, run, tour, transfer, vanishing
from dnncli.report.page.blocks import Page

# By the command whose result it is.
RECORDS: dict[str, type] = {
    "train": TrainRecord,
    "eval": EvalRecord,
    "compare-activations": ComparisonRecord,
    "transfer": TransferRecord,
    "doctor": DoctorRecord,
    "vanishing-demo": DemoRecord,
    "tour": TourRecord,
}
PAGES: dict[type, Callable[[Any], Page]] = {
    RunStory: run.of_story,
    TrainRecord: run.of_result,
    EvalRecord: evaluation.page,
    ComparisonRecord: comparison.page,
    TransferRecord: transfer.page,
    DoctorRecord: doctor.page,
    DemoRecord: vanishing.page,
    TourRecord: tour.page,
}


def page(record: Any) -> Page:
    """The page of a record; names from files are shown escaped on it, as in a terminal."""
    return PAGES[type(record)](escaped_strings(record))
