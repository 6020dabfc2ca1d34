"""`dnncli schema`: what it says is true of results, and not of others."""

import json

import pytest
import shell

from dnncli.cli.program import COMMANDS
from dnncli.report import schema

jsonschema = pytest.importorskip("jsonschema")

TRAIN = "train --data tiny.npz --hidden 4,3 --epochs 2 --batch-size 8 --quiet --out m.ckpt"
NUMBERS = "train --data n.csv --task regression --hidden 3 --epochs 2 --quiet --out n.ckpt"
# The runs of all other tests are held against their schemas in `shell.run`.
LINES = {
    "train": TRAIN,
    "train, regression": NUMBERS,
    "eval": "eval m.ckpt",
    "inspect": "inspect m.ckpt",
    "predict": "predict m.ckpt tiny.npz --probabilities",
    "predict, regression": "predict n.ckpt n.csv",
    "data list": "data list",
    "data show": "data show n.csv --task regression",
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Checkpoints and data that all lines share."""
    folder = tmp_path_factory.mktemp("kept")
    shell.write_tiny(folder / "tiny.npz")
    rows = [f"{i / 10},{i % 7},{i * 1.5 + i % 7}" for i in range(60)]
    (folder / "n.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    return folder


@pytest.mark.parametrize("name", LINES)
def test_the_schema_is_true_of_every_commands_result(kept, monkeypatch, name):
    monkeypatch.chdir(kept)
    for needed, line in (("m.ckpt", TRAIN), ("n.ckpt", NUMBERS)):
        if not (kept / needed).exists():
            assert shell.run(*line.split()).code == 0
    overwrite = ["--overwrite"] * (" --out " in LINES[name])
    done = shell.run(*LINES[name].split(), *overwrite, "--format", "json")
    document = shell.strict(done.out)
    for key in schema.of_command(document["command"].replace(" ", "-"))["required"]:
        lacking = {known: value for known, value in document.items() if known != key}
        with pytest.raises((jsonschema.ValidationError, KeyError)):
            shell.check_schema(lacking)


@pytest.mark.parametrize("command", [*schema.RESULTS, "predict"])
def test_what_is_printed_is_a_sound_schema(command):
    document = json.loads(shell.run("schema", command).out)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document == schema.of_command(command)


def test_a_value_of_another_type_is_not_valid():
    checking = jsonschema.Draft202012Validator(schema.of_command("data-list"))
    head = {"command": "data list", "version": "0", "schema": 1}
    sound = {"name": "a", "summary": "b", "source": "c", "here": True, "place": "d"}
    checking.validate({**head, "datasets": [sound], "more": 1})
    assert not checking.is_valid({**head, "datasets": [sound | {"here": "yes"}]})
    assert not checking.is_valid({**head, "schema": 2, "datasets": [sound]})


def test_a_regression_says_r2_or_accuracy_but_not_both():
    checking = jsonschema.Draft202012Validator(schema.of_command("doctor"))
    definition = checking.schema["$defs"]["OneBatchRecord"]
    assert {"accuracies", "r2s"} <= definition["properties"].keys()
    assert {"oneOf": [{"required": ["accuracies"]}, {"required": ["r2s"]}]} in definition["allOf"]


def test_every_command_with_json_has_a_schema():
    known = {name.split("-")[0] if name.startswith("data-") else name for name in schema.RESULTS}
    assert known | {"predict", "report", "export", "schema", "completion"} == set(COMMANDS)
