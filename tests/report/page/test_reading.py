"""Results come back from JSON as the records they were made from."""

import json
import math

import pytest

from dnncli.errors import DataError
from dnncli.records import EvalRecord, Metric, OneBatchRecord, SplitRecord, TargetRecord
from dnncli.records.common import DataRecord
from dnncli.records.tour import ListedStation, StationRecord, ToldObservation, TourRecord
from dnncli.report import merit
from dnncli.report.page import reading
from dnncli.report.page.reading import _fitted
from dnncli.report.structured import document

CLASSES = DataRecord("d", 1, 2, 3, 4, 5, "f")
NUMBERS = DataRecord("d", 1, 2, 3, 4, 0, "f", targets=("y",))


def split(value):
    name = "r2" if value is None else "accuracy"
    metrics = {name: Metric(value, 0.1, 0.9, "clopper-pearson", 0.5)}
    return SplitRecord(0.5, value, 9, 1e6, (), ((1, 2), (3, 4)), metrics)


def evaluation(data=CLASSES, value=0.75):
    return EvalRecord({"act": "elu"}, "x.ckpt", data, {"test": split(value)})


def result(command, record):
    return json.dumps(document(command, record)).encode()


def test_a_record_comes_back_equal():
    record = evaluation()
    assert reading.record(result("eval", record), "r.json") == record


def test_a_regressions_own_words_are_understood():
    record = OneBatchRecord(8, 9, (0.1,), (0.5,), (0.25,), 0.1, 1.0, fits=False)
    told = merit.own_words(json.loads(json.dumps(document("x", record))))
    assert "r2s" in told
    assert _fitted(OneBatchRecord, told)["accuracies"] == [0.25]
    numbers = evaluation(NUMBERS, None)
    told = merit.own_words(json.loads(result("eval", numbers)))
    assert reading.record(json.dumps(told).encode(), "r.json") == numbers


def test_what_was_not_finite_is_nan_again():
    record = reading.record(result("eval", evaluation(value=math.inf)), "r.json")
    assert math.isnan(record.splits["test"].accuracy)
    assert math.isnan(record.splits["test"].metrics["accuracy"].value)


def test_a_result_of_a_later_version_may_have_more_keys():
    told = json.loads(result("eval", evaluation()))
    told["new"] = told["data"]["newer"] = 1
    assert reading.record(json.dumps(told).encode(), "r.json") == evaluation()


@pytest.mark.parametrize("visited", [True, False])
def test_stations_of_either_kind_come_back_as_that(visited):
    seen = ToldObservation("DeadUnits", True, {"share": 0.5}, "Half of them are dead.")
    whole = StationRecord("a", "A", "?", "y", ("$ x",), (seen,), "e", "a", None, 1.0)
    station = whole if visited else ListedStation("a", "A", ("$ x",))
    record = TourRecord({"lang": "en"}, (station,), 1.0)
    assert reading.record(result("tour", record), "r.json") == record


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither a checkpoint nor one JSON object"),
        (b"[1]", "neither a checkpoint nor one JSON object"),
        (b"[" * 100_000, "neither a checkpoint nor one JSON object"),
        (b'{"event": "start"}\n{"event": "end"}', "--format jsonl is a stream; give json"),
        (b'{"command": "inspect", "schema": 1}', "those are of --format json of train, eval"),
        (b'{"command": ["eval"]}', "those are of --format json of train, eval"),
        (b'{"command": "eval", "schema": 9}', "made by another dnncli"),
        (b'{"command": "eval", "schema": 1}', "not an intact result of dnncli eval"),
        (b'{"command": "eval", "schema": 1, "nonfinite": [3]}', "not an intact result"),
        (b'{"command": "eval", "schema": 1, "nonfinite": ["a.b"]}', "not an intact result"),
    ],
)
def test_anything_else_is_refused_in_one_line(data, reason):
    with pytest.raises(DataError, match=reason) as caught:
        reading.record(data, "r.json")
    assert str(caught.value).isprintable()


def test_a_value_of_another_type_is_named():
    told = json.loads(result("eval", evaluation()))
    told["splits"]["test"]["examples"] = "nine"
    with pytest.raises(DataError, match=r"splits\.test\.examples is a str, not a int"):
        reading.record(json.dumps(told).encode(), "r.json")


def test_targets_are_records_too():
    assert _fitted(TargetRecord, {"name": "y", "least": 0, "more": 1}) == {"name": "y", "least": 0}


def test_a_result_that_contradicts_itself_is_refused_in_one_line():
    told = json.loads(result("eval", evaluation()))
    told["splits"]["test"]["confusion"] = [[1, 2], [3, 4]]
    told["config"]["act"] = ["no name"]
    told["layers"] = []
    told["splits"]["test"]["per_class"] = [
        {"name": "a", "precision": 1, "recall": 1, "f1": 1, "support": 3, "metrics": {}}
    ]
    with pytest.raises(DataError, match="contradicts itself") as caught:
        reading.page(json.dumps(told).encode(), "r.json")
    assert str(caught.value).isprintable()
