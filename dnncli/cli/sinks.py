"""Where `predict` puts its rows: stdout or a file, as text or as Parquet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnncli.storage import files

if TYPE_CHECKING:
    from dnncli.records import Predictions

Write = Callable[["Predictions"], None]
Emit = Callable[[str], None]


@dataclass(frozen=True)
class Shape:
    """What a row holds. classes: names of all classes. kept: columns of the input, with types.

    targets: of a regression, whose rows have no class.
    """

    classes: Sequence[str]
    probabilities: bool = False
    kept: Sequence[tuple[str, str]] = ()
    targets: Sequence[str] = ()

    def own(self) -> list[str]:
        """The columns besides those that are kept."""
        from dnncli.report import prediction

        if self.targets:
            return prediction.value_names(self.targets)
        return prediction.columns(self.classes, self.probabilities)

    def types(self) -> list[str]:
        """DuckDB's types of the columns of `own`."""
        own = self.own()
        if self.targets:
            return ["DOUBLE"] * len(own)
        return ["VARCHAR", *(["FLOAT"] * (len(own) - 1))]

    def carried(self) -> list[str]:
        """Names of the columns that are kept."""
        from dnncli.report import prediction

        return prediction.kept([name for name, _ in self.kept], self.own())


@contextmanager
def rows_to(
    out: Path | None, kind: str, shape: Shape, head: Mapping[str, Any], stdout: Emit
) -> Iterator[Write]:
    """A writer of rows in one of the catalog's formats; a file is complete when it ends."""
    if out is None:
        with _text(stdout, kind, shape, head) as write:
            yield write
    elif kind == "parquet":
        with _parquet(out, shape) as write:
            yield write
    else:
        with _file(out) as emit, _text(emit, kind, shape, head) as write:
            yield write


@contextmanager
def _file(path: Path) -> Iterator[Emit]:
    """Lines into a file."""
    with files.replacing(path) as file:

        def emit(line: str) -> None:
            with files.reported(path, "written"):
                file.write((line + "\n").encode("utf-8", "backslashreplace"))

        yield emit


@contextmanager
def _text(emit: Emit, kind: str, shape: Shape, head: Mapping[str, Any]) -> Iterator[Write]:
    from dnncli.report import prediction, structured

    names = shape.own() if shape.targets else shape.classes
    kept = shape.carried()
    if kind == "csv":
        emit(structured.csv_lines([[*kept, *shape.own()]]))
        yield lambda rows: emit(prediction.csv_rows(rows))
    elif kind == "jsonl":
        yield lambda rows: emit("\n".join(prediction.json_rows(rows, names, kept)))
    else:
        emit(prediction.opening(dict(head)))
        separator = ""

        def write(rows: "Predictions") -> None:
            nonlocal separator
            emit(separator + ",\n".join(prediction.json_rows(rows, names, kept)))
            separator = ",\n"

        yield write
        emit("]}")


@contextmanager
def _parquet(path: Path, shape: Shape) -> Iterator[Write]:
    from dnncli.data.formats.parquet import ParquetWriter

    types = [*(type_ for _, type_ in shape.kept), *shape.types()]
    names = [*shape.carried(), *shape.own()]
    writer = ParquetWriter(list(zip(names, types, strict=True)))

    def write(rows: "Predictions") -> None:
        if rows.values is not None:
            writer.add([*rows.kept, *zip(*rows.values, strict=True)])
            return
        shares = zip(*rows.probabilities or (), strict=True)
        writer.add([*rows.kept, rows.classes, *shares])

    try:
        yield write
        with files.replacing(path) as file, files.reported(path, "written"):
            writer.write(Path(file.name))
    finally:
        writer.close()
