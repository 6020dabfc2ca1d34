"""A network's importances of a table's columns, against rows that are exchanged by hand."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from problems import dataset as images
from problems import snapshot, spec

from dnncli import data
from dnncli.errors import SpecError
from dnncli.experiments import importance
from dnncli.experiments.metrics import importance as estimates
from dnncli.spec import DataSpec
from dnncli.training import compilation_cache

ROWS = 120


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A number with missing values, a category, a number that nothing depends on, two classes."""
    compilation_cache.enable()
    rng = np.random.default_rng(5)
    lines = ["size,colour,noise,kind"]
    for index in range(ROWS):
        size = "" if index % 9 == 0 else f"{rng.standard_normal():.4f}"
        colour = ["red", "green", "blue"][rng.integers(3)]
        kind = "ab"[index % 2]
        lines.append(f"{size},{colour},{rng.standard_normal():.4f},{kind}")
    path = tmp_path_factory.mktemp("table") / "made.csv"
    path.write_text("\n".join(lines))
    return data.load(DataSpec(data=str(path), test=60))


@pytest.fixture(scope="module")
def run(table):
    """A random network that does not look at `noise`."""
    made = snapshot(spec(act="tanh"), data=table)
    kernel = np.array(made.network.parameters[0].kernel)
    kernel[list(table.encoding.features).index("noise")] = 0
    first = made.network.parameters[0]._replace(kernel=kernel)
    parameters = (first, *made.network.parameters[1:])
    return replace(made, network=made.network._replace(parameters=parameters))


def losses(run, x, y):
    logits = oracle.run(run.spec.network, run.network.parameters, x, y).preactivations[-1]
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y], logits.argmax(axis=1)


def test_all_features_of_a_column_move_together_and_the_rise_is_counted_by_hand(table, run):
    record = importance.measure(run, run.network, table, "test")
    x, y = table.test.x, table.test.y
    before, said = losses(run, x, y)
    names = table.encoding.features
    assert set(names) == {
        *("size", "size missing", "noise"),
        *(f"colour={level}" for level in ("red", "green", "blue")),
        "colour other",
    }
    for one in record.columns:
        own = [i for i, name in enumerate(names) if name.startswith(one.column)]
        assert one.features == len(own)
        rises, falls = [], []
        for donors in estimates.donors(len(y)):
            moved = x.copy()
            moved[:, own] = x[donors][:, own]
            after, then = losses(run, moved, y)
            rises.append((after - before).mean())
            falls.append((said == y).mean() - (then == y).mean())
        assert one.metrics["log_loss"].value == pytest.approx(np.mean(rises), rel=1e-4, abs=1e-6)
        assert one.metrics["accuracy"].value == pytest.approx(np.mean(falls), abs=1e-9)


def test_a_column_that_the_network_does_not_look_at_has_none(table, run):
    record = importance.measure(run, run.network, table, "test")
    found = {one.column: one.metrics["log_loss"] for one in record.columns}
    assert (found["noise"].value, found["noise"].low, found["noise"].high) == (0, 0, 0)
    assert found["colour"].value != 0


def test_the_most_important_column_stands_first(table, run):
    record = importance.measure(run, run.network, table, "test")
    values = [one.metrics[record.headline].value for one in record.columns]
    assert values == sorted(values, reverse=True)
    assert (record.headline, record.examples, record.permutations) == ("log_loss", 60, 10)


def test_data_without_columns_are_refused():
    made = snapshot(spec())
    with pytest.raises(SpecError, match="toy is not a table; it has no columns to permute"):
        importance.measure(made, made.network, images(), "test")
