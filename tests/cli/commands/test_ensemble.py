"""`train --ensemble`: one checkpoint that evaluates and predicts as the mean of its networks."""

from pathlib import Path

import numpy as np
import pytest
from shell import TINY, refused, run

ENSEMBLE = (*TINY, "--ensemble", "2", "--seed", "3")


@pytest.fixture
def trained(folder: Path) -> dict:
    return run("train", *ENSEMBLE, "--out", "both.ckpt", "--format", "json").json


def shares(checkpoint: str) -> np.ndarray:
    """Each row's probabilities."""
    out = run("predict", checkpoint, "tiny.npz", "--probabilities", "--quiet").out
    return np.array([line.split(",")[1:] for line in out.splitlines()[1:]], float)


def test_its_probabilities_are_those_of_the_mean_logits(trained: dict) -> None:
    for seed in ("3", "4"):
        assert run("train", *TINY, "--seed", seed, "--out", f"{seed}.ckpt").code == 0
    product = np.sqrt(shares("3.ckpt") * shares("4.ckpt"))
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares("both.ckpt"), expected, rtol=1e-4)


def test_it_is_evaluated_and_inspected_as_one_network(trained: dict) -> None:
    assert trained["config"]["ensemble"] == 2
    assert trained["config"]["hidden"] == [4, 3]
    found = run("eval", "both.ckpt", "--format", "json").json
    assert found["splits"]["test"]["accuracy"] == pytest.approx(trained["test"]["accuracy"])
    inspected = run("inspect", "both.ckpt", "--format", "json").json
    assert inspected["parameters"] == trained["parameters"]
    shown = run("train", *ENSEMBLE, "--out", "again.ckpt").out
    assert "an ensemble of 2\n" in shown


def test_what_needs_one_network_refuses_it_in_one_line(trained: dict) -> None:
    told = refused(2, "train", "--resume", "both.ckpt", "--epochs", "9")
    assert "an ensemble's networks cannot be trained on" in told
    told = refused(2, "transfer", "both.ckpt", "--data", "tiny.npz")
    assert "both.ckpt is an ensemble of 2 networks" in told
    for option in (("--folds", "2"), ("--stop-on", "dead")):
        assert f"{option[0]}: it is for one network" in refused(2, "train", *ENSEMBLE, *option)
    assert "must be from 1 to 100 networks" in refused(2, "train", *TINY, "--ensemble", "0")
    told = refused(2, "train", *ENSEMBLE, "--bn-output")
    assert "leave out --bn-output" in told
