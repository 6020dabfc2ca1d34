"""Data sets that are fetched once into the cache: mirrors, and checksums checked before use."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

from dnncli.data.formats import idx
from dnncli.data.source import DataSource
from dnncli.errors import DataError
from dnncli.storage import cache, files

CHUNK = 1 << 16  # bytes
TIMEOUT = 30  # seconds without an answer
IMAGES = "images-idx3-ubyte.gz"
LABELS = "labels-idx1-ubyte.gz"


@dataclass(frozen=True)
class File:
    """A file's name, its length in bytes and its SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Remote:
    """Where a data set's files can be had, the best place first."""

    mirrors: tuple[str, ...]
    files: tuple[File, ...]


@dataclass(frozen=True)
class Step:
    """More bytes of a file are there; `mirror` None: they were before."""

    file: File
    added: int
    mirror: str | None


# Lengths and SHA-256 are those of tensorflow/datasets (url_checksums/*.txt); MNIST's were also
# computed from the files. Mirrors are the usual ones, of torchvision and the data sets' own pages.
REMOTES = {
    "mnist": Remote(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            File(
                f"train-{IMAGES}",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            File(
                f"train-{LABELS}",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            File(
                f"t10k-{IMAGES}",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            File(
                f"t10k-{LABELS}",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
    "fashion-mnist": Remote(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        (
            File(
                f"train-{IMAGES}",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            File(
                f"train-{LABELS}",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            File(
                f"t10k-{IMAGES}",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            File(
                f"t10k-{LABELS}",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
    ),
    "kmnist": Remote(
        (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        (
            File(
                f"train-{IMAGES}",
                18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            File(
                f"train-{LABELS}",
                29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
            File(
                f"t10k-{IMAGES}",
                3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            File(
                f"t10k-{LABELS}",
                5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ),
    ),
}


def folder(name: str) -> Path:
    """Where a data set's files are, or would be."""
    return cache.folder() / "data" / name


def is_here(name: str) -> bool:
    """Whether all its files are there, compressed or not."""
    stems = [file.name.removesuffix(".gz") for file in REMOTES[name].files]
    return all(
        (folder(name) / stem).exists() or (folder(name) / f"{stem}.gz").exists() for stem in stems
    )


def read(name: str) -> DataSource:
    """A data set from the cache. Raises DataError as `check`."""
    check(name)
    return replace(idx.read(folder(name)), name=name)


def check(name: str) -> None:
    """Raises DataError, which says how to get a data set, where it is absent."""
    if not is_here(name):
        local = f"; for the folder {name} here write --data ./{name}" if Path(name).is_dir() else ""
        raise DataError(
            f"{name} is not here yet: run `dnncli data fetch {name}`, {_by_hand(name)}{local}."
        )


def _by_hand(name: str) -> str:
    names = ", ".join(file.name for file in REMOTES[name].files)
    return f"or put {names} into {files.shown(folder(name))} by hand"


def fetch(name: str, mirrors: Sequence[str] = ()) -> Iterator[Step]:
    """Get what is not there yet, trying `mirrors` before the usual ones; yields what comes.

    A file is stored only when its SHA-256 is right. Raises DataError where no mirror gives it.
    """
    target = folder(name)
    with files.reported(target, "created", DataError):
        target.mkdir(parents=True, exist_ok=True)
    for file in REMOTES[name].files:
        if _is_right(target / file.name, file):
            yield Step(file, file.bytes, None)
        else:
            yield from _get(name, target, file, (*mirrors, *REMOTES[name].mirrors))


def _is_right(path: Path, file: File) -> bool:
    with suppress(OSError), path.open("rb") as there:
        return hashlib.file_digest(there, "sha256").hexdigest() == file.sha256
    return False


def _get(name: str, target: Path, file: File, mirrors: Sequence[str]) -> Iterator[Step]:
    failures = []
    for mirror in mirrors:
        try:
            yield from _download(mirror, target, file)
            return
        except (OSError, HTTPException, ValueError) as error:  # ValueError: what is no URL
            failures.append(f"{mirror}: {_reason(error)}")
    raise DataError(
        f"{file.name} of {name} cannot be fetched ({'; '.join(failures)}): try again later,"
        f" {_by_hand(name)}."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"{error.code} {error.reason}"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return (
        str(getattr(reason, "strerror", None) or reason).partition("\n")[0] or type(error).__name__
    )


def _download(mirror: str, target: Path, file: File) -> Iterator[Step]:
    """One file from one mirror. Raises OSError or ValueError where it is absent or wrong."""
    url = mirror.rstrip("/") + "/" + file.name
    if not url.startswith(("http://", "https://")):
        raise ValueError("is not an http:// or https:// address")
    digest = hashlib.sha256()
    done = 0
    request = urllib.request.Request(url, headers={"User-Agent": "dnncli"})
    with (
        urllib.request.urlopen(request, timeout=TIMEOUT) as answer,
        files.replacing(target / file.name) as out,
    ):
        while chunk := answer.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if done > file.bytes:
                break
            out.write(chunk)
            yield Step(file, len(chunk), mirror)
        if done != file.bytes or digest.hexdigest() != file.sha256:
            raise ValueError(
                f"is not the file that it should be ({done:,} bytes, SHA-256"
                f" {digest.hexdigest()[:12]}…)"
            )
