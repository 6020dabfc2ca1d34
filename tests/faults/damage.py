"""Damage to bytes, as disks, editors, transfers and enemies do it."""

from collections.abc import Callable
from random import Random

SECTOR = 512
# What a text file may have where it should not.
TOKENS = (
    *(b'"', b"'", b"\0", b"\n", b"\r", b",", b";", b"\t", b"\\", b"nan", b"inf", b"1e999"),
    *(b"\xff\xfe", b"\xe9", b"\xef\xbb\xbf", b"{", b"]", b"null", b"-", b"9" * 30, b"\x1b[2J"),
)


def flip(data: bytearray, rng: Random) -> None:
    """One bit."""
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data: bytearray, rng: Random) -> None:
    """The rest of the file is missing."""
    del data[rng.randrange(len(data) + 1) :]


def remove(data: bytearray, rng: Random) -> None:
    """Some bytes are missing."""
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randint(1, 40)]


def insert(data: bytearray, rng: Random) -> None:
    """Bytes too many."""
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.randbytes(rng.randint(1, 12))


def token(data: bytearray, rng: Random) -> None:
    """Something that a reader takes for more than it is."""
    start = rng.randrange(len(data) + 1)
    data[start : start + rng.randint(0, 3)] = rng.choice(TOKENS)


def swap(data: bytearray, rng: Random) -> None:
    """Two pieces change places."""
    size = rng.randint(1, max(1, len(data) // 4))
    one = rng.randrange(max(1, len(data) - size))
    other = rng.randrange(max(1, len(data) - size))
    first = bytes(data[one : one + size])
    data[one : one + size] = data[other : other + size]
    data[other : other + size] = first


def sector(data: bytearray, rng: Random) -> None:
    """A disk's sector reads as zeros."""
    start = rng.randrange(len(data) // SECTOR + 1) * SECTOR
    end = min(len(data), start + SECTOR)
    data[start:end] = bytes(end - start)


def again(data: bytearray, rng: Random) -> None:
    """A piece stands there twice."""
    start = rng.randrange(len(data) + 1)
    data[start:start] = data[start : start + rng.randint(1, 400)]


def tail(data: bytearray, rng: Random) -> None:
    """Something has been appended."""
    data += rng.randbytes(rng.randint(1, 600))


CHANGES: tuple[Callable[[bytearray, Random], None], ...] = (
    *(flip, flip, flip, token, token, cut, remove, insert, swap, sector, again, tail),
)


def damaged(data: bytes, rng: Random) -> bytes:
    """The bytes after one change, seldom two or three; never those that were given."""
    while True:
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(CHANGES)(changed, rng)
        if changed != data:
            return bytes(changed)
