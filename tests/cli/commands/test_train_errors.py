"""Whatever is wrong with a `train`: one line, the right exit code, nothing lost or half-written."""

import gzip
import os
import re
import resource
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from shell import TINY, refused, run

from dnncli.storage import checkpoint


def untouched(*kept):
    """Whether nothing but these stands in the folder."""
    return sorted(os.listdir()) == sorted(["tiny.npz", *kept])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--act rleu",
            "no activation is called 'rleu': did you mean 'relu'? There are identity, sigmoid",
        ),
        ("--init hee", "no initialiser is called 'hee'"),
        ("--optimizer adm", "no optimizer is called 'adm': did you mean 'adam'?"),
        ("--schedule cosin", "no schedule is called 'cosin'"),
        ("--scale x", "no scaling is called 'x'"),
        ("--monitor loss", "no monitor is called 'loss': did you mean 'val-loss'?"),
        ("--format xml", "no format is called 'xml'"),
        ("--fail-on dead,dying", "no condition is called 'dying'"),
        ("--stop-on ", "no condition is called ''"),
        ("--data digit", "did you mean 'digits'?"),
        ("--hidden 300,,100", "'300,,100' is not a list of layer sizes such as 300,100"),
        ("--hidden 300,0", "'300,0': a layer has at least one unit"),
        ("--hidden -5", "'-5': a layer has at least one unit"),
        ("--hidden 1e3", "'1e3' is not a list of layer sizes"),
        ("--depth 0", "must be at least 1"),
        ("--depth 3 --width 0", "must be at least 1"),
        ("--width 5", "--width has no use without --depth"),
        ("--lr nan", "nan is not a finite number"),
        ("--lr inf", "inf is not a finite number"),
        ("--lr 0", "--lr 0.0: must be finite and greater than 0"),
        ("--lr -1", "--lr -1.0: must be finite and greater than 0"),
        ("--lr 1e999", "1e999 is not a finite number"),
        ("--lr abc", "'abc' is not a number"),
        ("--epochs 0", "--epochs 0: must be at least 1"),
        ("--epochs -1", "--epochs -1: must be at least 1"),
        ("--epochs 1.5", "'1.5' is not a valid integer"),
        ("--batch-size 0", "neither a number of examples from 1 on nor auto"),
        ("--dropout 1", "--dropout 1.0: must be in [0, 1)"),
        ("--bn --bn-momentum 1", "--bn-momentum 1.0: must be in [0, 1)"),
        ("--l2 -1", "--l2 -1.0: must be a finite number of at least 0"),
        ("--clip-norm 0", "--clip-norm 0.0: must be finite and greater than 0"),
        ("--warmup 99", "--warmup 99.0: must be at most the run's 40 epochs"),
        ("--patience -1", "--patience -1: must be at least 1 epoch"),
        ("--min-delta -1", "--min-delta -1.0: must be a finite number"),
        ("--seed -1", "--seed -1: must be in [0, 2^32)"),
        ("--seed 4294967296", "--seed 4294967296: must be in [0, 2^32)"),
        ("--validation 1.5", "'1.5' is neither a number of examples nor a fraction"),
        ("--test 0", "--test 0: must be at least 1 example"),
        ("--classes 8-12", "--classes 8-12"),
        ("--per-class 0", "--per-class 0: must be at least 1"),
        ("--bogus", "No such option '--bogus'"),
        ("more", "Got unexpected extra argument (more)"),
        ("--lr", "Option '--lr' requires an argument"),
    ],
)
def test_a_wrong_value_is_one_line_with_2(options, message):
    line = refused(2, "train", *options.split(" "))
    assert line.startswith("dnncli train: ")
    assert message in line
    assert untouched()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--act relu --alpha 0.1", "--alpha 0.1: relu has no alpha. It is for leaky-relu"),
        ("--optimizer adam --momentum 0.9", "--momentum 0.9: adam has no momentum"),
        ("--decay-rate 0.5", "--decay-rate: only --schedule exponential uses it"),
        ("--schedule cosine --decay-steps 5", "--decay-steps: only --schedule exponential uses it"),
        ("--schedule one-cycle --warmup 2", "--warmup: --schedule one-cycle has its own rise"),
        ("--bn-momentum 0.5", "--bn-momentum 0.5: has no use without --bn or --bn-output"),
    ],
)
def test_an_option_without_a_use_is_an_error(options, message):
    assert message in refused(2, "train", *options.split())


def idx(folder, **contents):
    """Four IDX files of 20 images of 2×2 in 2 classes; `contents` overrides files by their first letters."""
    folder.mkdir()
    for split, start in (("train", 0), ("t10k", 1)):
        pixels = bytes((start + i) % 251 for i in range(80))
        labels = bytes(i % 2 for i in range(20))
        files = {
            f"{split}-images-idx3-ubyte": struct.pack(">4i", 2051, 20, 2, 2) + pixels,
            f"{split}-labels-idx1-ubyte": struct.pack(">2i", 2049, 20) + labels,
        }
        for name, data in files.items():
            data = contents.get(name[:7].replace("-", "_"), data)
            if data is not None:
                (folder / name).write_bytes(data)


def test_the_folder_of_these_tests_is_sound():
    idx(Path("idx"))
    options = ["--data", "idx", "--validation", "4", "--hidden", "3", "--epochs", "1", "-q"]
    assert run("train", *options).code == 0


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("train_i", None, "train-images"),
        ("t10k_la", None, "t10k-labels"),
        ("train_i", struct.pack(">4i", 2051, 20, 2, 2) + bytes(79), "train-images-idx3-ubyte"),
        ("train_i", b"", "train-images-idx3-ubyte"),
        ("train_i", b"\x00\x00\x08", "train-images-idx3-ubyte"),
        ("train_l", struct.pack(">2i", 2049, 19) + bytes(19), "19"),
        ("train_i", struct.pack(">4i", 2050, 20, 2, 2) + bytes(80), "train-images-idx3-ubyte"),
        ("train_i", gzip.compress(bytes(100))[:30], "train-images-idx3-ubyte"),
        ("train_l", struct.pack(">2i", 2049, 20) + bytes(20), "class"),
    ],
    ids=[
        "missing",
        "missing labels",
        "cut",
        "empty",
        "no header",
        "lengths",
        "magic",
        "cut gzip",
        "one class",
    ],
)
def test_a_broken_idx_folder_is_one_line_with_1(file, data, message):
    idx(Path("idx"), **{file: data})
    assert message in refused(1, "train", "--data", "idx")
    assert untouched("idx")


X, Y = np.arange(120, dtype=np.float32).reshape(40, 3), np.arange(40) % 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, "NaN"),
        ({"x": np.where(X == 7, np.inf, X), "y": Y}, "infinit"),
        ({"x": X, "y": Y[:-1]}, "39"),
        ({"x": X, "y": np.zeros(40, int)}, "class"),
        ({"x": X[:0], "y": Y[:0]}, ""),
        ({"x": X[:, :0], "y": Y}, ""),
        ({"x": X[:1], "y": Y[:1]}, ""),
        ({"y": Y}, "x"),
        ({"x": X.astype(object), "y": Y}, ""),
        ({"x": np.array("text"), "y": Y}, ""),
    ],
    ids=[
        "NaN",
        "infinity",
        "lengths",
        "one class",
        "empty",
        "no features",
        "one row",
        "no x",
        "objects",
        "text",
    ],
)
def test_arrays_that_nothing_can_be_learned_from_are_one_line_with_1(arrays, message):
    np.savez("bad.npz", **arrays)
    assert message in refused(1, "train", "--data", "bad.npz")
    assert untouched("bad.npz")


@pytest.mark.parametrize("kind", ["text", "cut", "none", "folder", "pipe"])
def test_a_file_that_is_no_data_is_one_line_with_1(kind):
    path = Path("bad.npz")
    if kind == "text":
        path.write_text("x,y\n1,2\n")
    elif kind == "cut":
        path.write_bytes(Path("tiny.npz").read_bytes()[:300])
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    assert "bad.npz" in refused(1, "train", "--data", path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_without_permission_it_is_one_line_with_1():
    os.chmod("tiny.npz", 0)
    assert "permission denied" in refused(1, "train", *TINY)
    os.chmod("tiny.npz", 0o600)
    Path("locked").mkdir(mode=0o500)
    assert "permission denied" in refused(1, "train", *TINY, "--out", "locked/net.ckpt")


@pytest.mark.parametrize("out", ["none/net.ckpt", "tiny.npz/net.ckpt", "."])
def test_a_place_that_cannot_hold_the_checkpoint_is_refused_before_training(out):
    assert "cannot be written" in refused(1, "train", *TINY, "--out", out)
    assert untouched()


def test_nothing_is_overwritten_unless_asked():
    Path("net.ckpt").write_text("precious")
    assert "net.ckpt exists; give --overwrite" in refused(2, "train", *TINY, "--out", "net.ckpt")
    assert Path("net.ckpt").read_text() == "precious"
    assert run("train", *TINY, "--out", "net.ckpt", "--overwrite", "-q").code == 0
    assert checkpoint.read(Path("net.ckpt"))


def test_runs_without_a_name_get_a_new_one_each_time():
    for _ in range(3):
        assert run("train", *TINY, "-q").code == 0
    assert len(list(Path("runs").glob("elu-tiny-*.ckpt"))) == 3
    assert len(os.listdir("runs")) == 3


def test_a_full_disk_keeps_the_old_checkpoint_and_leaves_no_litter():
    assert run("train", *TINY, "--out", "net.ckpt", "-q").code == 0
    old = Path("net.ckpt").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        result = run("train", *TINY, "--out", "net.ckpt", "--overwrite", "-q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert result.code == 1
    assert result.err == "dnncli train: net.ckpt cannot be written: file too large.\n"
    assert Path("net.ckpt").read_bytes() == old
    assert untouched("net.ckpt")


def test_a_disk_without_a_byte_left_is_one_line_with_1(tmp_path):
    def mount():
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", "full"],
            capture_output=True,
            check=False,
        )

    Path("full").mkdir()
    if not shutil.which("mount") or mount().returncode:
        pytest.skip("no file system can be mounted here")
    try:
        result = run("train", *TINY, "--out", "full/net.ckpt", "-q")
        assert (result.code, os.listdir("full")) == (1, [])
        assert (
            result.err
            == "dnncli train: full/net.ckpt cannot be written: no space left on device.\n"
        )
    finally:
        subprocess.run(["umount", "full"], check=True)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_that_diverges_ends_with_3_and_keeps_the_last_finite_network(optimizer):
    rate = "1e6" if optimizer == "sgd" else "1e30"
    options = [
        "--optimizer",
        optimizer,
        "--lr",
        rate,
        "--epochs",
        "30",
        "--patience",
        "0",
        "--out",
        "net.ckpt",
    ]
    result = run("train", *TINY, *options)
    assert result.code == 3
    assert re.search(r"diverged in (hidden1|hidden2|output): .*epoch 1", result.err)
    assert len(result.err.splitlines()) == 1
    tensors = checkpoint.read(Path("net.ckpt")).tensors
    assert all(np.isfinite(tensor).all() for tensor in tensors.values() if tensor.dtype.kind == "f")
    assert run("eval", "net.ckpt", "--format", "json").json["splits"]["test"]["examples"] > 0


def test_the_default_network_diverges_with_a_learning_rate_of_a_million():
    result = run("train", "--lr", "1e6", "--format", "json", "--out", "net.ckpt")
    assert (result.code, result.json["stopped"]) == (3, "diverged")
    assert re.search(r"diverged in (hidden1|hidden2|output): .*epoch 1", result.err)
    assert run("eval", "net.ckpt").code == 0


def test_a_condition_that_is_met_ends_with_4_after_the_result():
    options = [
        "--data",
        "digits",
        "--depth",
        "8",
        "--width",
        "5",
        "--act",
        "sigmoid",
        "--epochs",
        "1",
    ]
    result = run("train", *options, "--fail-on", "vanishing", "--format", "json")
    assert result.code == 4
    assert len(result.err.splitlines()) == 1
    assert "vanishing" in result.err
    assert result.json["health"]["findings"][0]["rule"] == "vanishing"
    assert run("train", *options, "--fail-on", "exploding", "-q").code == 0
