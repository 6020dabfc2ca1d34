"""The data of the calibration: nine kinds, and what can be wrong with a table.

The folder of MNIST and UCI's tables is `../shared/data` beside the repository, or what the
environment variable CALIBRATION_DATA names; without it stand-ins of the same sizes are made.

A table has training rows and test rows. Faults that belong to the data (a feature's scale, noisy
labels) are made in both; too few rows and rare classes only in training: scores stay comparable.
"""

import csv
import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

TRAIN = 450  # rows at most, of which `train` takes some for validation
TEST = 300
LEAST = 4  # rows of a rare class: with fewer, it may be in no split
BESIDE = Path(__file__).parents[3] / "shared" / "data"
SHARED = Path(os.environ.get("CALIBRATION_DATA", BESIDE))


class Table(NamedTuple):
    """Features by column (numbers or words), labels; the first `train` rows are training's."""

    x: np.ndarray
    y: np.ndarray
    train: int


@dataclass(frozen=True)
class Recipe:
    """A table to be made: its kind, and faults as (name, strength), made in this order."""

    kind: str
    faults: tuple[tuple[str, float], ...] = ()

    def with_fault(self, name: str, strength: float) -> "Recipe":
        """The same with one more fault."""
        return replace(self, faults=(*self.faults, (name, strength)))

    @property
    def digest(self) -> str:
        """A name for a folder."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]


def write(recipe: Recipe, folder: Path) -> tuple[Path, Path]:
    """Write the training and the test table into the folder; the same bytes every time."""
    table = make(recipe)
    train = folder / "train.csv"
    test = folder / "test.csv"
    _write_rows(train, table.x[: table.train], table.y[: table.train])
    _write_rows(test, table.x[table.train :], table.y[table.train :])
    return train, test


def make(recipe: Recipe) -> Table:
    """The table, its rows in random order."""
    rng = np.random.Generator(np.random.Philox(list(recipe.kind.encode())[:2]))
    x, y = KINDS[recipe.kind](rng)
    order = rng.permutation(len(y))[: TRAIN + TEST]
    table = Table(x[order], y[order], len(order) * TRAIN // (TRAIN + TEST))
    for name, strength in recipe.faults:
        table = FAULTS[name](table, strength, rng)
    return table


def _write_rows(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*(f"x{index}" for index in range(x.shape[1])), "label"])
        for values, label in zip(x, y, strict=True):
            rows.writerow([*map(_text, values), f"c{label}"])


def _text(value: object) -> str:
    """A field: numbers with six digits."""
    return value if isinstance(value, str) else f"{value:.6g}"


# --- kinds ---------------------------------------------------------------------------------------


def digits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The bundled images of digits, 64 features."""
    path = resources.files("dnncli").joinpath("data/formats/digits.npz")
    with path.open("rb") as file, np.load(file) as arrays:
        return arrays["x"].reshape(-1, 64).astype(float), arrays["y"].astype(int)


def mnist(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """MNIST at a quarter of its size (196 features) where it is here, else the digits enlarged."""
    folder = SHARED / "mnist"
    if not folder.is_dir():
        x, y = digits(rng)
        images = x.reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2)
        return images[:, 1:15, 1:15].reshape(-1, 196) * 16, y
    pixels = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return images.reshape(-1, 196), np.frombuffer(labels, np.uint8).astype(int)


def blobs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Five Gaussian clouds in ten dimensions, which overlap a little."""
    return _clouds(rng, rows=TRAIN + TEST, features=10, classes=5, distance=1.6)


def spirals(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of a spiral: no linear classifier is much better than guessing."""
    y = np.arange(TRAIN + TEST) % 2
    angle = np.sqrt(rng.random(len(y))) * 2.2 * np.pi
    sign = 1 - 2 * y
    arm = np.stack([sign * angle * np.cos(angle), sign * angle * np.sin(angle)], axis=1)
    return arm + rng.normal(0, 0.25, arm.shape), y


def bits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Six bits; the class is the exclusive or of two of them, and a third one's value."""
    x = rng.integers(0, 2, (TRAIN + TEST, 6))
    return x.astype(float), 2 * (x[:, 0] ^ x[:, 3]) + x[:, 5]


def mixed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and categories, as in a customer table; three classes."""
    rows = TRAIN + TEST
    numbers = rng.normal([40, 3000, 5, 0.3], [12, 900, 2, 0.1], (rows, 4))
    colours = rng.integers(0, 4, rows)
    towns = rng.integers(0, 6, rows)
    score = (numbers[:, 0] - 40) / 12 + np.abs(numbers[:, 1] - 3000) / 900
    score = score + (colours == 2) - (towns > 3) * (numbers[:, 2] > 5) * 1.5
    y = np.digitize(score + rng.normal(0, 0.15, rows), np.quantile(score, [1 / 3, 2 / 3]))
    words = [np.array(list("abcd"))[colours], np.char.add("t", towns.astype(str))]
    return np.column_stack([numbers.astype(object), *words]), y


def banknote(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Banknote authentication (UCI): 4 features, 2 classes."""
    return _shared("banknote_authentication.csv", rng, features=4, classes=2)


def seeds(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Wheat seeds (UCI): 210 rows, 7 features, 3 classes, much as iris."""
    return _shared("wheat-seeds.csv", rng, features=7, classes=3)


def cancer(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Breast cancer Wisconsin (UCI): 9 features from 1 to 10, 2 classes."""
    return _shared("breast-cancer-wisconsin.csv", rng, features=9, classes=2)


def _shared(
    name: str, rng: np.random.Generator, features: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """A table from the shared folder without rows that have gaps, or clouds of its size instead."""
    path = SHARED / "tables" / name
    if not path.is_file():
        return _clouds(rng, TRAIN + TEST, features, classes, distance=2.0)
    lines = [line for line in path.read_text().split() if "?" not in line]
    values = np.array([line.split(",") for line in lines], float)
    return values[:, :-1], np.unique(values[:, -1], return_inverse=True)[1]


def _clouds(
    rng: np.random.Generator, rows: int, features: int, classes: int, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(rows) % classes
    centres = rng.normal(size=(classes, features)) * distance / np.sqrt(2)
    return centres[y] + rng.normal(size=(rows, features)), y


KINDS: dict[str, Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "digits": digits,
    "mnist": mnist,
    "blobs": blobs,
    "spirals": spirals,
    "bits": bits,
    "mixed": mixed,
    "banknote": banknote,
    "seeds": seeds,
    "cancer": cancer,
}
NUMERIC = tuple(kind for kind in KINDS if kind != "mixed")


# --- faults --------------------------------------------------------------------------------------


def times(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Features multiplied."""
    return table._replace(x=table.x * strength)


def offset(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Features moved by so many times their own spread."""
    return table._replace(x=table.x + strength * table.x.std(axis=0))


def one_large(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """A feature of noise that is so many times as large as the others."""
    noise = rng.normal(size=(len(table.y), 1)) * strength * table.x.std()
    return table._replace(x=np.hstack([table.x, noise]))


def outliers(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """One value in every hundred multiplied, so that scaling squeezes the others together."""
    hit = rng.random(table.x.shape) < 0.01
    spread = table.x.std(axis=0) + 1e-9
    return table._replace(x=np.where(hit, table.x + strength * spread, table.x))


def constant(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Every feature a constant."""
    return table._replace(x=np.full_like(table.x, strength))


def row_number(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Nothing but the row's number."""
    return table._replace(x=np.arange(len(table.y), dtype=float)[:, None])


def leak(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """A column that gives the label away, with so much noise; the test table has it shuffled."""
    told = table.y[:, None] + rng.normal(0, strength, (len(table.y), 1))
    told[table.train :] = rng.permutation(told[table.train :])
    return table._replace(x=np.hstack([table.x, told]))


def noisy(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """So large a share of all labels drawn at random; 1: all of them."""
    wrong = rng.random(len(table.y)) < strength
    drawn = rng.integers(0, table.y.max() + 1, len(table.y))
    return table._replace(y=np.where(wrong, drawn, table.y))


def doubled(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """So many classes split into two by chance: they are the same thing under two names."""
    half = (rng.random(len(table.y)) < 0.5) & (table.y < strength)
    return table._replace(y=np.where(half, table.y + table.y.max() + 1, table.y))


def rare(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Class 0 against the others, and so large a share of training's class 0 left."""
    y = (table.y != 0).astype(int)
    keep = (y == 1) | (rng.random(len(y)) < strength) | (np.arange(len(y)) >= table.train)
    keep[np.flatnonzero(y == 0)[:LEAST]] = True
    return Table(table.x[keep], y[keep], int(keep[: table.train].sum()))


def few(table: Table, strength: float, rng: np.random.Generator) -> Table:
    """Only so many training rows of each class."""
    rank = np.zeros(len(table.y), int)
    for label in np.unique(table.y):
        rank[table.y == label] = np.arange(np.sum(table.y == label))
    keep = (rank < strength) | (np.arange(len(table.y)) >= table.train)
    return Table(table.x[keep], table.y[keep], int(keep[: table.train].sum()))


FAULTS: dict[str, Callable[[Table, float, np.random.Generator], Table]] = {
    "times": times,
    "offset": offset,
    "one_large": one_large,
    "outliers": outliers,
    "constant": constant,
    "row_number": row_number,
    "leak": leak,
    "noisy": noisy,
    "doubled": doubled,
    "rare": rare,
    "few": few,
}
