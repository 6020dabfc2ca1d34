"""What can be known before training: what cannot work is named, what works is not."""

from dataclasses import replace

import pytest

from dnncli.diagnosis.before import before
from dnncli.diagnosis.context import NetworkContext
from dnncli.records.diagnosis import ClassStatistics, DataStatistics, SharedRows
from dnncli.spec import catalog, from_options
from tests.diagnosis.runs import CLASSES, DATA, INPUTS, followed


def found(options=(), data=DATA, classes=2):
    run = from_options(dict(options))
    context = NetworkContext(run.network, 8, classes, data.inputs.second_moment, run)
    findings = before(context, data)
    for finding in findings:
        assert finding.rule in catalog.RULES
        if finding.remedy:
            changed = followed(run, finding.remedy.changes)
            assert finding.rule not in [
                f.rule for f in before(replace(context, network=changed.network, run=changed), data)
            ]
    return [finding.rule for finding in findings]


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_the_defaults_of_every_activation_are_not_accused(act):
    assert found({"act": act}) == (["under-capacity"] if act == "identity" else [])


@pytest.mark.parametrize("optimizer", list(catalog.OPTIMIZERS))
@pytest.mark.parametrize(
    "options",
    [
        {"bn": True},
        {"dropout": 0.5},
        {"clip_global_norm": 1.0},
        {"schedule": "cosine"},
        {"max_norm": 3.0},
    ],
)
def test_common_options_are_not_accused(optimizer, options):
    assert found({"optimizer": optimizer} | options) == []


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"bn": True, "batch_size": 1}, "normalisation"),
        ({"bn": True, "bn_momentum": 0.9999}, "normalisation"),
        ({"hidden": (50, 1, 50)}, "under-capacity"),
        ({"act": "identity", "hidden": (50, 50, 50)}, "under-capacity"),
        ({"max_norm": 0.01}, "over-regularised"),
        ({"optimizer": "sgd", "clip_global_norm": 1e-6}, "slow"),
        ({"schedule": "exponential", "decay_steps": 1}, "slow"),
        ({"act": "sigmoid", "hidden": (100,) * 20}, "vanishing"),
        ({"act": "relu", "init": "normal", "hidden": (100,) * 20}, "exploding"),
    ],
)
def test_what_cannot_work_is_named_with_a_remedy_after_which_it_is_not(options, rule):
    assert found(options) == [rule]


@pytest.mark.parametrize(
    ("inputs", "rule"),
    [
        ({"varying": 0}, "inputs"),
        ({"second_moment": 1e8}, "inputs"),
        ({"varying": 1, "increasing": ("id",)}, "inputs"),
        ({"outliers": 0.9}, "inputs"),
    ],
)
def test_inputs_are_looked_at(inputs, rule):
    data = DataStatistics(replace(INPUTS, **inputs), CLASSES)
    assert rule in [finding.rule for finding in before(_context(data), data)]


def _context(data):
    run = from_options({"scale": "none"})
    return NetworkContext(run.network, 8, 2, data.inputs.second_moment, run)


@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        (ClassStatistics(("a", "b"), (6, 6), (2, 2), (2, 2)), "few-examples"),
        (ClassStatistics(("a", "b"), (980, 20), (98, 2), (98, 2)), "imbalance"),
        (ClassStatistics(("a", "b"), (500, 500), (50, 50), (50, 50), 0.6), "labels"),
    ],
)
def test_classes_are_looked_at(counts, rule):
    assert found(data=DataStatistics(INPUTS, counts)) == [rule]


@pytest.mark.parametrize(
    ("shared", "rules"),
    [
        (SharedRows(0.0, 0.3, 0.01), ["shared-rows"]),
        (SharedRows(0.2, 0.0, 0.0), ["shared-rows"]),
        (SharedRows(0.03, 0.03, 0.0), []),
        (SharedRows(0.5, 0.5, 0.6), []),
    ],
)
def test_rows_shared_between_splits_are_told_where_they_do_not_repeat_by_nature(shared, rules):
    assert found(data=replace(DATA, shared=shared)) == rules
