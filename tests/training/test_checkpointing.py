"""Runs as checkpoints: they come back as they were, and nothing that does not fit comes back at all.

The fuzzed metadata are read in a process of their own, where nothing but the program itself checks
types.
"""

import copy
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import jax
import numpy as np
import pytest
from problems import dataset, snapshot, spec

from dnncli.data import Scaling
from dnncli.errors import CheckpointError
from dnncli.spec import catalog
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint
from dnncli.training import checkpointing
from dnncli.training.history import RunHistory

pytestmark = pytest.mark.usefixtures("quick_compilation")

DATA = dataset()
EVERYTHING = {"act": "prelu", "bn": True, "bn_output": True, "dropout": 0.1}


def through_a_file(run, path):
    checkpoint.write(path, checkpointing.to_checkpoint(run))
    return checkpointing.from_checkpoint(checkpoint.read(path), path)


def told(run):
    """Every record as text, for nan is not equal to itself."""
    records = (*run.history.epochs, *run.history.initial, *run.steps)
    return [json.dumps(asdict(each), sort_keys=True) for each in records]


def assert_same_tensors(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@pytest.mark.parametrize("optimizer", list(catalog.OPTIMIZERS))
@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
def test_a_run_comes_back_from_its_file_as_it_was(optimizer, options, tmp_path):
    run = snapshot(spec(optimizer=optimizer, weight_decay=0.1, **options))
    back = through_a_file(run, tmp_path / "run.ckpt")
    assert back.spec == run.spec
    assert (back.data.record, back.data.class_names) == (run.data.record, run.data.class_names)
    assert back.data.scaling.kind == run.data.scaling.kind
    assert_same_tensors(
        (back.data.scaling.offset, back.data.scaling.scale),
        (DATA.scaling.offset, DATA.scaling.scale),
    )
    assert_same_tensors(back.state, run.state)
    assert_same_tensors(back.network, run.network)
    assert back.history.best_epoch == 2
    assert told(back) == told(run)


def test_a_robust_scaling_comes_back_with_its_limits(tmp_path):
    features = DATA.features
    limit = np.where(np.arange(features) % 2, np.inf, 3).astype(np.float32)
    scaling = Scaling("robust", DATA.scaling.offset, DATA.scaling.scale, limit)
    run = snapshot(spec())
    run = replace(run, data=replace(run.data, scaling=scaling))
    back = through_a_file(run, tmp_path / "run.ckpt").data.scaling
    x = np.linspace(-9, 9, 5 * features, dtype=np.float32).reshape(5, features)
    assert back.kind == "robust"
    assert_same_tensors(back.apply(x), scaling.apply(x))
    kept = checkpointing.to_checkpoint(run)
    del kept.tensors["scaling/limit"]
    assert "'scaling/limit' is missing" in refusal(kept.tensors, kept.metadata)


@pytest.mark.parametrize("limit", [None, 0.5])  # those of the first checkpoints had none
def test_a_piecewise_scaling_comes_back_with_what_each_piece_is_of(tmp_path, limit):
    features = DATA.features
    source = np.arange(features, dtype=np.int32) // 3
    ends = np.full(features, limit, np.float32) if limit else None
    scaling = Scaling("piecewise", DATA.scaling.offset, DATA.scaling.scale, ends, source)
    run = snapshot(spec())
    run = replace(run, data=replace(run.data, scaling=scaling))
    back = through_a_file(run, tmp_path / "run.ckpt").data.scaling
    x = np.linspace(-9, 9, 5 * scaling.taken, dtype=np.float32).reshape(5, scaling.taken)
    assert (back.kind, back.taken) == ("piecewise", source[-1] + 1)
    assert_same_tensors(back.apply(x), scaling.apply(x))
    kept = checkpointing.to_checkpoint(run)
    kept.tensors["scaling/source"] = source[::-1].copy()
    assert "leaves out a feature" in refusal(kept.tensors, kept.metadata)


def test_a_run_before_its_first_epoch_comes_back_too(tmp_path):
    run = snapshot(spec(), epochs=0, best=0)
    run = replace(run, history=RunHistory(run.spec), steps=())
    back = through_a_file(run, tmp_path / "run.ckpt")
    assert back.history.epochs == back.history.initial == back.steps == ()
    assert_same_tensors(back.state, run.state)


def test_wall_times_are_not_kept_so_that_the_same_run_gives_the_same_bytes(tmp_path):
    run = snapshot(spec())
    epochs = tuple(replace(each, seconds=1.5) for each in run.history.epochs)
    timed = replace(run, history=replace(run.history, epochs=epochs))
    files = [tmp_path / "one.ckpt", tmp_path / "two.ckpt"]
    for path, each in zip(files, (run, timed), strict=True):
        checkpoint.write(path, checkpointing.to_checkpoint(each))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_tensors_have_the_names_people_look_for():
    tensors = checkpointing.to_checkpoint(snapshot(spec(**EVERYTHING))).tensors
    for name in (
        "hidden1.kernel",
        "hidden1.slope",
        "hidden2.norm.scale",
        "hidden2.norm.offset",
        "output.norm.mean",
        "output.norm.variance",
        "last/hidden1.kernel",
        "last/output.norm.mean",
        "optimizer/step",
        "scaling/offset",
        "scaling/scale",
    ):
        assert name in tensors
    assert "hidden1.bias" not in tensors  # batch norm's offset takes its place
    assert tensors["hidden1.kernel"].shape == (6, 7)
    adam = [
        name
        for name in tensors
        if name.startswith("optimizer/") and name.endswith("/hidden2.kernel")
    ]
    assert len(adam) == 2  # both moments


def test_the_last_epochs_network_is_stored_apart_only_where_it_is_not_the_best():
    tensors = checkpointing.to_checkpoint(snapshot(spec(), best=3)).tensors
    assert not [name for name in tensors if name.startswith("last/")]


def stored(**options):
    """A checkpoint's tensors and metadata as they come from a file."""
    kept = checkpointing.to_checkpoint(snapshot(spec(**{"act": "prelu", "bn": True} | options)))
    return dict(kept.tensors), json.loads(json.dumps(kept.metadata | kept.records))


def refusal(tensors, metadata):
    with pytest.raises(CheckpointError) as refused:
        checkpointing.from_checkpoint(Checkpoint(tensors, metadata), Path("folder/run.ckpt"))
    message = str(refused.value)
    assert message.startswith("folder/run.ckpt ")
    assert len(message.splitlines()) == 1
    return message


EVERY_TENSOR = sorted(stored()[0])


@pytest.mark.parametrize("name", EVERY_TENSOR)
def test_a_tensor_that_is_missing_or_of_another_shape_or_type_is_refused_by_name(name):
    tensors, metadata = stored()
    tensor = tensors.pop(name)
    assert f"the tensor '{name}' is missing." in refusal(tensors, metadata)
    wider = np.zeros(
        (*tensor.shape[:-1], tensor.shape[-1] + 1) if tensor.shape else (1,), tensor.dtype
    )
    assert f"the tensor '{name}' is" in refusal(tensors | {name: wider}, metadata)
    other = tensor.astype(np.int64 if tensor.dtype == np.float32 else np.float32)
    assert f"not {tensor.dtype}" in refusal(tensors | {name: other}, metadata)


def test_a_tensor_too_many_is_refused_by_name():
    tensors, metadata = stored()
    extra = {"hidden9.kernel": np.zeros((2, 2), np.float32)}
    assert "'hidden9.kernel', which the spec has no place for" in refusal(tensors | extra, metadata)


@pytest.mark.parametrize(
    "name", ["spec", "data", "class_names", "scaling", "best_epoch", "history", "initial", "flight"]
)
def test_metadata_that_lack_a_part_are_refused(name):
    tensors, metadata = stored()
    del metadata[name]
    assert name in refusal(tensors, metadata)


def test_records_that_contradict_each_other_are_refused():
    tensors, metadata = stored()

    def told(**changes):
        return refusal(tensors, metadata | changes)

    history = metadata["history"]
    assert "history skips an epoch" in told(history=[history[0], history[2], history[1]])
    assert "last epoch" in told(best_epoch=4) or "best epoch is 4 of 3" in told(best_epoch=4)
    assert "best epoch is -1 of 3" in told(best_epoch=-1)
    assert "records are of other layers" in told(initial=metadata["initial"][:2])
    assert "records are of other layers" in told(initial=metadata["initial"][::-1])
    assert "it names 2 classes" in told(class_names=["a", "b"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hidden", [10**12, 10**12]),
        ("hidden", [10**30, 5]),
        ("hidden", [7, 5, 5]),
        ("hidden", []),
        ("act", "elu"),
        ("bn", False),
        ("bn_output", True),
        ("optimizer", "sgd"),
        ("unheard_of", 1),
    ],
)
def test_a_spec_of_another_network_is_refused(option, value):
    tensors, metadata = stored()
    metadata["spec"][option] = value
    refusal(tensors, metadata)


def test_a_history_of_origins_without_end_is_refused():
    tensors, metadata = stored()
    parent = {
        "path": "x",
        "sha256": "0",
        "layers": ["hidden1"],
        "act": "elu",
        "features": 6,
        "classes": ["a"],
        "epoch": 1,
    }
    origin = None
    for _ in range(2000):
        origin = {
            "parent": parent | {"origin": origin},
            "kept": [],
            "reinitialised": [],
            "frozen": [],
        }
    refusal(tensors, metadata | {"origin": origin})


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = [None, "x", "nan", -1, 2.5, 1e308, 10**30, True, [], {}, [None], nested(900)]
IGNORED = ("epoch", "seed", "rng_key", "versions")  # told for people, never read back


def places(value, path=()):
    """Every place in the metadata; of a list the first entry stands for all."""
    if path:
        yield path
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:1])
        if isinstance(value, list)
        else ()
    )
    for key, entry in entries:
        yield from places(entry, (*path, key))


def put(value, path, entry):
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = entry
    return changed


def faithful(one, other):
    """Equal as JSON, but that a number may be whole or not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(faithful(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(faithful, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return float(one) == float(other) and isinstance(one, bool) == isinstance(other, bool)
    return one == other


def fuzz():
    """Print what is wrong with the answer to any hostile value at any place, and how many there were."""
    tensors, metadata = stored(optimizer="sgd")
    metadata = {key: value for key, value in metadata.items() if key not in IGNORED}
    wrong, refused, accepted = [], 0, 0
    for path in places(metadata):
        for value in HOSTILE:
            changed = put(metadata, path, value)
            name = f"{'.'.join(map(str, path))} = {str(value)[:20]}"
            try:
                run = checkpointing.from_checkpoint(Checkpoint(tensors, changed), "run.ckpt")
            except CheckpointError as error:
                refused += 1
                if len(str(error).splitlines()) != 1 or len(str(error)) > 300:
                    wrong.append(f"{name}: {len(str(error))} characters")
                continue
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__}")
                continue
            accepted += 1
            stored_again = checkpointing.to_checkpoint(run)
            again = json.loads(json.dumps(stored_again.metadata | stored_again.records))
            filled = path[0] == "spec" and value is None  # an option's default takes its place
            if not filled and not all(faithful(changed[key], again[key]) for key in metadata):
                wrong.append(f"{name}: came back as another")
    print(json.dumps({"wrong": wrong, "refused": refused, "accepted": accepted}))


def test_a_hostile_value_anywhere_is_refused_in_one_line_or_is_what_the_run_then_says_of_itself():
    code = "import sys; sys.path.append('..'); import test_checkpointing; test_checkpointing.fuzz()"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert not told["wrong"]
    assert told["refused"] > 3 * told["accepted"] > 100
