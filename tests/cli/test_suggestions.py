"""Options by the names that they have elsewhere, or misspelt: one line says what was meant."""

import pytest
from shell import LEAVES, refused

from dnncli.cli.command import option_name
from dnncli.cli.suggestions import ELSEWHERE


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("train --learning-rate 0.1", "lr"),
        ("train --learning_rate=0.1", "lr"),
        ("train --layers 300,100", "hidden"),
        ("train --activation relu", "act"),
        ("train --epoch 3", "epochs"),
        ("train --batch-norm", "bn"),
        ("train --no-batch-norm", "no-bn"),
        ("train --Dropuot 0.1", "dropout"),
        ("compare-activations --activation relu", "acts"),
        ("compare-activations --learning-rate 1", "lr"),
        ("compare-activations --initializer he", "inits"),
        ("vanishing-demo --units 20", "width"),
        ("transfer low.ckpt --freeze-layers 1", "freeze"),
        ("predict low.ckpt x.csv --output y.csv", "out"),
        ("data show x.csv --sep ;", "delimiter"),
    ],
)
def test_an_option_known_from_elsewhere_is_suggested(line, near):
    words = line.split()
    name = next(word.partition("=")[0] for word in words if word.startswith("--"))
    command = "dnncli data show" if words[0] == "data" else f"dnncli {words[0]}"
    expected = f"{command}: No such option {name!r}: did you mean --{near}?\n"
    assert refused(2, *words) == expected


def test_nothing_is_suggested_where_nothing_is_near():
    assert refused(2, "train", "--zzzz") == "dnncli train: No such option '--zzzz'.\n"
    assert refused(2, "train", "-z") == "dnncli train: No such option '-z'.\n"


def test_files_and_variables_are_helped_alike(folder, monkeypatch):
    (folder / "run.toml").write_text("[train]\nlearning_rate = 0.1\n")
    assert "did you mean 'lr'?" in refused(2, "train", "--config", "run.toml")
    monkeypatch.setenv("DNNCLI_TRAIN_LEARNING_RATE", "0.1")
    assert "did you mean 'DNNCLI_TRAIN_LR'?" in refused(2, "train")


def test_every_name_elsewhere_stands_for_an_option_that_there_is_and_is_not_one_itself():
    known = {option_name(param) for leaf in LEAVES.values() for param in leaf.params}
    for name, meant in ELSEWHERE.items():
        assert set(meant) <= known
        assert name not in known
