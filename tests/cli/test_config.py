"""Options in files: what wins over what, what is refused, and that a saved run repeats exactly."""

import os
import re
import threading
import tomllib
from pathlib import Path

import pytest
import tomli_w
from shell import TINY, refused, run

from dnncli.cli.commands import train

INTERESTING = {
    "hidden": [5, 4],
    "act": "tanh",
    "bn": True,
    "bn-output": False,
    "dropout": 0.25,
    "lr": 3e-3,
    "epochs": 1,
    "patience": 0,
    "validation": 9,
    "test": 0.2,
    "seed": 3,
    "scale": "none",
    "fail-on": ["dead", "exploding"],
}


def write(text, name="run.toml"):
    Path(name).write_text(text, encoding="utf-8")
    return name


def section(**options):
    lines = [f"{key.replace('_', '-')} = {value}" for key, value in options.items()]
    return write("\n".join(["[train]", *lines]))


@pytest.fixture
def seen(monkeypatch):
    """What `train` is called with, instead of training."""
    calls = []
    monkeypatch.setattr(train.command, "callback", lambda **given: calls.append(given))
    return calls


def test_flags_win_over_the_environment_and_that_over_the_file(seen, monkeypatch):
    config = section(lr=0.1, epochs=1, seed=1)
    monkeypatch.setenv("DNNCLI_TRAIN_EPOCHS", "2")
    monkeypatch.setenv("DNNCLI_TRAIN_SEED", "2")
    run("train", "--config", config, "--seed", "3")
    assert [seen[0][name] for name in ("lr", "epochs", "seed", "l1")] == [0.1, 2, 3, None]


def test_the_file_may_be_named_by_the_environment(seen, monkeypatch):
    monkeypatch.setenv("DNNCLI_TRAIN_CONFIG", section(seed=7))
    run("train")
    assert seen[0]["seed"] == 7


def test_values_of_every_type_are_read(seen):
    write(tomli_w.dumps({"train": INTERESTING}))
    assert run("train", "--config", "run.toml").code == 0
    expected = {key.replace("-", "_"): value for key, value in INTERESTING.items()}
    expected |= {"hidden": (5, 4), "fail_on": ("dead", "exploding")}
    assert {key: seen[0][key] for key in expected} == expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("batch_size", "32", 32),  # underscores as in JSON's config
        ("hidden", '"300,100"', (300, 100)),
        ("hidden", "20", (20,)),
        ("fail_on", '"dead,vanishing"', ("dead", "vanishing")),
        ("act", '"SiLU"', "swish"),
        ("bn", "false", False),
        ("validation", "1", 1),
        ("validation", "0.5", 0.5),
        ("lr", "1", 1.0),
        ("patience", "0", 0),
        ("data", '"a b.npz"', "a b.npz"),
        ("format", '"json"', "json"),
        ("quiet", "true", True),
    ],
)
def test_a_value_is_read_as_the_command_line_reads_it(seen, key, value, expected):
    assert run("train", "--config", section(**{key: value})).code == 0
    assert seen[0].get(key, seen[0].get(f"{key}_")) == expected


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lr", '"fast"', "'fast' is not a number"),
        ("lr", "nan", "nan is not a finite number"),
        ("lr", "inf", "inf is not a finite number"),
        ("lr", "true", "lr must be a number or a text, not true"),
        ("lr", "[0.1]", "lr must be a number or a text, not \\[0.1\\]"),
        ("epochs", "2.7", "'2.7' is not a valid integer"),
        ("epochs", "0", "--epochs 0: must be at least 1. \\(run.toml sets it.\\)"),
        ("hidden", "[300, 0]", "'300,0'"),
        ("hidden", "[300.5]", "'300.5' is not a list of layer sizes"),
        ("hidden", "[]", "'' is not a list of layer sizes"),
        ("hidden", "[[3]]", "hidden must be a number or a text"),
        ("bn", '"yes"', "bn must be true or false, not 'yes'"),
        ("bn", "1", "bn must be true or false, not 1"),
        ("act", "5", "no activation is called '5'"),
        ("act", '"rleu"', "did you mean 'relu'"),
        ("validation", "1.5", "neither a number of examples nor a fraction"),
        ("seed", "1979-05-27", "seed must be a number or a text"),
        ("hiden", "[3]", "no option is called hiden: did you mean .hidden"),
        ("config", '"other.toml"', "no option is called config"),
        ("help", "true", "no option is called help"),
        ("alpha", "1.0\nact = 'relu'", "relu has no alpha.*run.toml sets it"),
        ("per_class", "99999", "--per-class 99999: class .*run.toml sets it"),
        ("test", "'other.csv'", "--test other.csv: only a table.*run.toml sets it"),
        ("delimiter", "';'", "--delimiter: only tables.*run.toml sets it"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_file(key, value, message):
    line = refused(2, "train", "--config", section(**{key: value}))
    assert "run.toml" in line
    assert re.search(message, line), line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("act = 'elu'", "act stands outside a section; put it under [train]"),
        ("[trian]\nact = 'elu'", "no command is called [trian]"),
        ("train = 5", "train stands outside a section"),
        ("[train", "is not a TOML file"),
        ("[train]\nlr = 1\nlr = 2", "is not a TOML file"),
        ("[train]\nhidden = " + "[" * 5000, "is not a TOML file"),
        ("# " + "x" * 1_000_001, "too large"),
    ],
)
def test_a_file_that_is_no_config_is_refused(text, message):
    assert message in refused(2, "train", "--config", write(text))


def test_a_file_in_another_encoding_is_refused_and_a_byte_order_mark_is_not(seen):
    Path("latin.toml").write_bytes("[train]\ndata = 'é'".encode("latin-1"))
    assert "is not a TOML file" in refused(2, "train", "--config", "latin.toml")
    Path("bom.toml").write_bytes(b"\xef\xbb\xbf[train]\nseed = 1\n")
    assert run("train", "--config", "bom.toml").code == 0


@pytest.mark.parametrize("path", ["none.toml", ".", "tiny.npz/x"])
def test_a_file_that_cannot_be_read_ends_with_1(path):
    assert "cannot be read" in refused(1, "train", "--config", path)


def test_a_pipe_is_read(seen):
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=("[train]\nseed = 9\n",))
    writer.start()
    assert run("train", "--config", "pipe").code == 0
    writer.join()
    assert seen[0]["seed"] == 9


def test_sections_of_other_commands_and_an_empty_file_are_left_alone(seen):
    assert run("train", "--config", write("[eval]\nsplit = 'test'\n")).code == 0
    assert run("train", "--config", write("")).code == 0


def test_sizes_given_later_in_another_form_win(seen, monkeypatch):
    run("train", "--config", section(hidden=[3]), "--depth", "2")
    run("train", "--config", section(depth=2, width=9), "--hidden", "7")
    monkeypatch.setenv("DNNCLI_TRAIN_DEPTH", "4")
    run("train", "--config", section(hidden=[3]))
    assert [(call["hidden"], call["depth"], call["width"]) for call in seen] == [
        (None, 2, None),
        ((7,), None, None),
        (None, 4, None),
    ]


def test_sizes_given_twice_in_one_place_are_refused():
    assert "exclude each other" in refused(2, "train", "--hidden", "3", "--depth", "2")
    assert "exclude each other" in refused(2, "train", "--config", section(hidden=[3], depth=2))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DNNCLI_TRAIN_LR", "x", "'--lr' in DNNCLI_TRAIN_LR: 'x' is not a number"),
        ("DNNCLI_TRAIN_BN", "perhaps", "'--bn' in DNNCLI_TRAIN_BN"),
        (
            "DNNCLI_TRAIN_EPOCHS",
            "0",
            "--epochs 0: must be at least 1. (DNNCLI_TRAIN_EPOCHS sets it.)",
        ),
        ("DNNCLI_TRAIN_EPOCH", "3", "did you mean 'DNNCLI_TRAIN_EPOCHS'?"),
        ("DNNCLI_TRAIN_FORMAT", "xml", "'--format' in DNNCLI_TRAIN_FORMAT"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    assert message in refused(2, "train")


def test_variables_are_named_as_options_are(seen, monkeypatch):
    for name, value in {"BN": "1", "CLIP_NORM": "0.5", "FORMAT": "json", "FAIL_ON": "dead"}.items():
        monkeypatch.setenv(f"DNNCLI_TRAIN_{name}", value)
    monkeypatch.setenv("DNNCLI_TRAIN_SEED", "")  # as Click has it, empty is unset
    run("train")
    assert [seen[0][k] for k in ("bn", "clip_norm", "format_", "fail_on", "seed")] == [
        True,
        0.5,
        "json",
        ("dead",),
        None,
    ]


def test_other_commands_variables_are_left_alone(seen, monkeypatch):
    monkeypatch.setenv("DNNCLI_EVAL_NONSENSE", "1")
    assert run("train").code == 0


def repeated(*options):
    """The checkpoints of a run and of its saved config."""
    assert run("train", *options, "--save-config", "run.toml", "--out", "a.ckpt", "-q").code == 0
    assert run("train", "--config", "run.toml", "--out", "b.ckpt", "-q").code == 0
    return Path("a.ckpt").read_bytes(), Path("b.ckpt").read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        "--hidden 4,3 --act leaky-relu --alpha 0.3 --init orthogonal --patience 0 --optimizer sgd --l2 1e-4",
        "--depth 3 --width 5 --bn --bn-output --bn-momentum 0.5 --dropout 0.5 --validation 0.25 --test 7"
        " --optimizer nesterov --momentum 0.5 --clip-norm 1e-3 --schedule exponential --decay-rate 0.3"
        " --decay-steps 3 --warmup 0.5 --fail-on dead --seed 4294967295",
    ],
)
def test_a_saved_run_repeats_to_the_bit(options):
    one, two = repeated(
        "--data", "tiny.npz", "--epochs", "2", "--batch-size", "8", *options.split()
    )
    assert one == two


def test_a_saved_run_holds_every_resolved_option():
    assert (
        run("train", *TINY, "--depth", "2", "--act", "SILU", "--save-config", "run.toml", "-q").code
        == 2
    )
    assert run("train", *TINY, "--act", "SILU", "--save-config", "run.toml", "-q").code == 0
    saved = tomllib.loads(Path("run.toml").read_text())["train"]
    assert (saved["act"], saved["init"], saved["hidden"], saved["lr"]) == (
        "swish",
        "he-normal",
        [4, 3],
        1e-3,
    )


def test_file_names_that_need_escapes_survive():
    os.rename("tiny.npz", 'a "b"\\ é \x7f.npz')
    options = [option.replace("tiny.npz", 'a "b"\\ é \x7f.npz') for option in TINY]
    assert run("train", *options, "--save-config", "run.toml", "-q").code == 0
    assert run("train", "--config", "run.toml", "-q").code == 0


def test_a_config_is_not_overwritten_unless_asked_and_never_half_written():
    write("precious", "run.toml")
    assert "run.toml exists; give --overwrite" in refused(
        2, "train", *TINY, "--save-config", "run.toml"
    )
    assert Path("run.toml").read_text() == "precious"
    assert not os.path.exists("runs")
    assert run("train", *TINY, "--save-config", "run.toml", "--overwrite", "-q").code == 0
    assert sorted(os.listdir()) == ["run.toml", "runs", "tiny.npz"]


@pytest.mark.parametrize("place", ["none/run.toml", "tiny.npz/run.toml", "."])
def test_a_config_that_cannot_be_written_is_refused_before_training(place):
    assert "cannot be written" in refused(1, "train", *TINY, "--save-config", place)
    assert sorted(os.listdir()) == ["tiny.npz"]
