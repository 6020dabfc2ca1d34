"""Two processes train one network: as one does, whoever is killed or interrupted on the way."""

import json
import signal
import socket
import time

import numpy as np
import shell

SMALL = ["--data", "tiny.npz", "--hidden", "8", "--batch-size", "9", "--bn"]
ENDLESS = ["--epochs", "100000", "--patience", "0"]


def free_port():
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        return given.getsockname()[1]


def start(arguments):
    return shell.start("train", *SMALL, *arguments, text=True)


def start_both(arguments):
    """Two processes on this machine that find each other."""
    told = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", *arguments]
    return [start([*told, "--process", str(index)]) for index in range(2)]


def ended(process, seconds=400):
    """Exit code and both streams of a process."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def await_file(path, processes):
    while not path.exists():
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def resumed(path):
    """The exit code of one more epoch in one process, on one device."""
    done = len(shell.run("inspect", path, "--history", "--format", "json").json["history"])
    return shell.run("train", "--resume", path, "--epochs", done + 1, "--quiet").code


def test_losses_are_those_of_one_process_and_the_first_one_has_the_word(tmp_path):
    arguments = ["--epochs", "3", "--format", "json", "--out"]
    both = start_both([*arguments, str(tmp_path / "two.ckpt")])
    alone = shell.run("train", *SMALL, *arguments, tmp_path / "one.ckpt")
    first, second = map(ended, both)
    assert first[0] == 0, first
    assert second == (0, "", "")
    shared, single = (json.loads(out)["epochs"] for out in (first[1], alone.out))
    assert len(shared) == 3
    for name in ("train_loss", "val_loss"):
        found, expected = ([epoch[name] for epoch in run] for run in (shared, single))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_where_one_is_killed_the_other_saves_and_ends(tmp_path):
    path = tmp_path / "net.ckpt"
    both = start_both([*ENDLESS, "--out", str(path), "--quiet"])
    await_file(path, both)
    both[1].send_signal(signal.SIGKILL)
    code, _, err = ended(both[0], 30)
    assert code == 1
    assert "another process was lost" in err, err
    assert err.count("\n") == 1
    assert ended(both[1])[0] == -signal.SIGKILL
    assert resumed(path) == 0


def test_a_signal_at_one_ends_both_with_a_checkpoint(tmp_path):
    path = tmp_path / "net.ckpt"
    both = start_both([*ENDLESS, "--out", str(path)])
    await_file(path, both)
    both[1].send_signal(signal.SIGTERM)
    first, second = map(ended, both)
    assert first[0] == second[0] == 143
    assert f"go on with: dnncli train --resume {path}" in first[2]
    assert second[1:] == ("", "")
