"""How a table is to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """How to read a table (None: as found).

    text: returns the columns to read as VARCHAR. raw: columns left unstripped, for speed. more:
    returns further expressions to select, given all columns with the types they are read as.
    encoding: of text. whole: find types and encoding that fit every row. layout: names of all
    columns of a file without a header line, of which the `optional` ones may be absent. kind: read
    as a file with that suffix. shown: what messages call it. memory: bytes to which a packed file
    may grow, as of `growth.check`.
    """

    delimiter: str | None = None
    header: bool | None = None
    where: str | None = None
    encoding: str | None = None
    text: Callable[[Sequence[str]], Sequence[str]] = lambda names: ()
    raw: frozenset[str] = frozenset()
    more: Callable[[Mapping[str, str]], Sequence[str]] = lambda columns: ()
    whole: bool = False
    layout: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    kind: str | None = None
    shown: str | None = None
    memory: int | None = None
