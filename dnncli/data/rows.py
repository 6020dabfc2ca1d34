"""Examples without labels, in blocks of rows and never all at once: what `predict` takes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from dnncli.data.formats import idx, image_folder, npz
from dnncli.data.tables import encoder
from dnncli.data.tables.carried import Carried
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.options import Reading
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice
from dnncli.spec.suffixes import is_table

STDIN = "-"
BLOCK = 4096  # images that are copied at a time
Block = Float32[np.ndarray, "_ features"] | UInt8[np.ndarray, "_ features"]


@dataclass
class Rows:
    """A source of unlabelled rows that counts the values it had to replace.

    encoding: that of the network's training table; None if it was trained on something else.
    keep: columns of a table to carry along, as `carried` has them, batch by batch.
    """

    path: str
    encoding: Encoding | None
    delimiter: str | None = None
    header: bool | None = None
    stdin: Any = None  # a binary stream; none is an instance of typing.BinaryIO
    keep: str | None = None
    issues: Int64[np.ndarray, "issues columns"] = field(init=False)
    carried: Carried = field(init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        columns = len(self.encoding.columns) if self.encoding else 0
        self.issues = np.zeros((len(encoder.ISSUES), columns), np.int64)
        self.carried = Carried(self.keep)

    def blocks(self, features: int) -> Iterator[Block]:
        """All rows in their order, unscaled, each of so many features.

        Raises DataError for what cannot be read or does not fit the network, SpecError for columns
        to keep that are not there.
        """
        try:
            if self.encoding is None and self.keep:
                raise SpecError(
                    f"--keep {self.keep}: only tables have columns; {self.path} is not one.",
                    option="--keep",
                )
            if self.encoding is None and Path(self.path).expanduser().is_dir():
                yield from self._images(Path(self.path).expanduser(), features)
            elif self.encoding is None:
                yield from _arrays(self.path, features)
            else:
                yield from self._encoded(self.encoding)
        except OSError as error:
            name = error.filename or self.path
            raise DataError(f"{name} cannot be read: {error.strerror or error}.") from None

    def notices(self) -> tuple[Notice, ...]:
        """What the user should know once all rows were read."""
        if self.encoding is None:
            return ()
        from dnncli.data.tables import notices

        return notices.of_new_rows(self.encoding.columns, self.issues, "rows")

    def _images(self, folder: Path, features: int) -> Iterator[Block]:
        """Images of a folder, whose names are carried along."""
        names, x = image_folder.read_unlabelled(folder, features)
        self.carried.named("file", names)
        for start in range(0, len(x), BLOCK):
            yield x[start : start + BLOCK]

    def _encoded(self, encoding: Encoding) -> Iterator[Block]:
        """Rows of a table, encoded as the training table."""
        from dnncli.data.tables import reading

        if self.path != STDIN and not is_table(self.path):
            raise DataError(
                f"{self.path} is not a table, but the network was trained on one: give a .csv,"
                " .parquet or .json file with its columns, or - for CSV from stdin."
            )
        with _file(self.path, self.stdin) as (path, kind):
            shown = "stdin" if self.path == STDIN else self.path
            how = Reading(self.delimiter, self.header, kind=kind, shown=shown)
            yield from reading.stream(path, encoding, self.issues, how, self.carried)


def _arrays(path: str, features: int) -> Iterator[Block]:
    """Images of an IDX file or the array `x` of an archive."""
    if path == STDIN or is_table(path):
        raise DataError(
            f"{path}: the network was not trained on a table, whose columns have names: give an"
            f" .npz file with an array x of {features} features, or an IDX file of images."
        )
    file = Path(path).expanduser()
    if not file.exists():
        raise DataError(f"{path}: there is no such file.")
    x = npz.read_features(file) if file.suffix.lower() == ".npz" else idx.read_array(file, 3)
    x = x.reshape(len(x), -1)
    if x.shape[1] != features:
        raise DataError(f"{path} has {x.shape[1]} features, but the network takes {features}.")
    for start in range(0, len(x), BLOCK):
        yield np.ascontiguousarray(x[start : start + BLOCK])


@contextmanager
def _file(path: str, stdin: Any) -> Iterator[tuple[str, str | None]]:
    """A file that can be read twice, and its kind's suffix; what a pipe brings is stored first."""
    if path != STDIN:
        yield path, None
        return
    with tempfile.TemporaryDirectory(prefix="dnncli-") as folder:
        spool = Path(folder, "stdin")
        with spool.open("wb") as file:
            shutil.copyfileobj(stdin, file, 1 << 20)
        with spool.open("rb") as file:
            first = file.read(4096).lstrip()[:1]
        kind = ".json" if first in (b"{", b"[") else ".csv"
        yield str(spool), kind
