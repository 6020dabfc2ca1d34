"""Fetching data sets: from the first mirror that has the right files, whole or not at all."""

import gzip
import hashlib
import http.server
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dnncli.data import load
from dnncli.data.formats import remote
from dnncli.data.formats.remote import File, Remote
from dnncli.errors import DataError
from dnncli.spec import DataSpec, catalog


def images(count: int) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, count * 4).astype(np.uint8)
    return gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, count, 2, 2) + pixels.tobytes(), mtime=0)


def labels(count: int) -> bytes:
    return gzip.compress(
        struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 5 for i in range(count)), mtime=0
    )


CONTENTS = {
    "train-images-idx3-ubyte.gz": images(50),
    "train-labels-idx1-ubyte.gz": labels(50),
    "t10k-images-idx3-ubyte.gz": images(20),
    "t10k-labels-idx1-ubyte.gz": labels(20),
}
FILES = tuple(
    File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in CONTENTS.items()
)


class Handler(http.server.BaseHTTPRequestHandler):
    """`/good/` has the files, `/wrong/` others of their names, `/short/` breaks off, `/long/` goes on."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        folder, _, name = self.path[1:].partition("/")
        data = CONTENTS.get(name)
        if data is None or folder == "empty":
            self.send_error(404)
            return
        sent = {"good": data, "wrong": data[::-1], "short": data[:-5], "long": data + b"more"}[
            folder
        ]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) if folder == "short" else len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Handler, "asked", [])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def offer(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setitem(remote.REMOTES, "mnist", Remote(mirrors, FILES))


def test_every_data_set_that_is_not_bundled_can_be_fetched() -> None:
    assert {"digits", *remote.REMOTES} == set(catalog.DATASETS)
    for entry in remote.REMOTES.values():
        assert len(entry.files) == 4
        assert all(mirror.startswith("http") for mirror in entry.mirrors)
        assert len(entry.mirrors) >= 2
        assert all(len(bytes.fromhex(file.sha256)) == 32 and file.bytes > 0 for file in entry.files)


def test_the_checksums_of_mnist_are_those_of_the_files(shared: Path) -> None:
    folder = shared / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/mnist")
    for file in remote.REMOTES["mnist"].files:
        data = (folder / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)


def test_what_was_fetched_has_a_name_to_train_on(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, f"{server}/good/")
    with pytest.raises(
        DataError,
        match=r"mnist is not here yet: run `dnncli data fetch mnist`, or put train-images",
    ):
        load(DataSpec(data="mnist"))
    steps = list(remote.fetch("mnist"))
    assert sum(step.added for step in steps) == sum(file.bytes for file in FILES)
    dataset = load(DataSpec(data="mnist"))
    assert (dataset.name, len(dataset.train), len(dataset.test)) == ("mnist", 45, 20)
    assert {file.name for file in remote.folder("mnist").iterdir()} == set(CONTENTS)


def test_what_is_there_is_not_fetched_again_but_what_is_damaged_is(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, f"{server}/good")
    list(remote.fetch("mnist"))
    Handler.asked.clear()
    assert {step.mirror for step in remote.fetch("mnist")} == {None}
    assert not Handler.asked
    damaged = remote.folder("mnist") / FILES[1].name
    damaged.write_bytes(b"damaged")
    list(remote.fetch("mnist"))
    assert Handler.asked == [f"/good/{FILES[1].name}"]
    assert damaged.read_bytes() == CONTENTS[FILES[1].name]


@pytest.mark.parametrize(
    "bad", ["wrong", "short", "long", "empty", "nothing-listens", "ftp://x/", "no address"]
)
def test_a_bad_mirror_is_passed_over_and_alone_is_told_of(
    server: str, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    mirror = {"nothing-listens": "http://127.0.0.1:9/"}.get(
        bad, bad if " " in bad or ":" in bad else f"{server}/{bad}/"
    )
    offer(monkeypatch, mirror)
    with pytest.raises(DataError) as caught:
        list(remote.fetch("mnist"))
    message = str(caught.value)
    assert message.startswith(f"train-images-idx3-ubyte.gz of mnist cannot be fetched ({mirror}: ")
    assert f"into {remote.folder('mnist')} by hand" in message
    assert message.isprintable()
    assert list(remote.folder("mnist").iterdir()) == []
    offer(monkeypatch, mirror, f"{server}/good/")
    steps = list(remote.fetch("mnist"))
    assert f"{server}/good/" in {step.mirror for step in steps}
    assert all(
        (remote.folder("mnist") / name).read_bytes() == data for name, data in CONTENTS.items()
    )


def test_a_mirror_of_ones_own_comes_first(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, f"{server}/wrong/")
    list(remote.fetch("mnist", [f"{server}/good/"]))
    assert {path.split("/")[1] for path in Handler.asked} == {"good"}


def test_a_folder_that_cannot_be_made_is_named(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"cache/data/mnist cannot be created: not a directory"):
        list(remote.fetch("mnist"))


def test_files_put_there_by_hand_will_do_plain_or_compressed(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = remote.folder("kmnist")
    folder.mkdir(parents=True)
    for name, data in CONTENTS.items():
        (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(data))
    assert load(DataSpec(data="kmnist")).name == "kmnist"


def test_a_folder_of_the_same_name_is_pointed_to(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()
    with pytest.raises(DataError, match=r"for the folder mnist here write --data \./mnist"):
        load(DataSpec(data="mnist"))
