"""Where `predict` puts its rows: stdout or a file, as text or as Parquet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnncli.storage import files

if TYPE_CHECKING:
    from dnncli.records import Predictions

Write = Callable[["Predictions"], None]
Emit = Callable[[str], None]


@contextmanager
def rows_to(
    out: Path | None,
    kind: str,
    names: Sequence[str],
    probabilities: bool,
    head: Mapping[str, Any],
    stdout: Emit,
) -> Iterator[Write]:
    """A writer of rows in one of the catalog's formats; a file is complete when it ends."""
    if out is None:
        with _text(stdout, kind, names, probabilities, head) as write:
            yield write
    elif kind == "parquet":
        with _parquet(out, names, probabilities) as write:
            yield write
    else:
        with _file(out) as emit, _text(emit, kind, names, probabilities, head) as write:
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
def _text(
    emit: Emit, kind: str, names: Sequence[str], probabilities: bool, head: Mapping[str, Any]
) -> Iterator[Write]:
    from dnncli.report import prediction, structured

    if kind == "csv":
        emit(structured.csv_lines([prediction.columns(names, probabilities)]))
        yield lambda rows: emit(prediction.csv_rows(rows))
    elif kind == "jsonl":
        yield lambda rows: emit("\n".join(prediction.json_rows(rows, names)))
    else:
        emit(prediction.opening(dict(head)))
        separator = ""

        def write(rows: "Predictions") -> None:
            nonlocal separator
            emit(separator + ",\n".join(prediction.json_rows(rows, names)))
            separator = ",\n"

        yield write
        emit("]}")


@contextmanager
def _parquet(path: Path, names: Sequence[str], probabilities: bool) -> Iterator[Write]:
    from dnncli.data.formats.parquet import ParquetWriter
    from dnncli.report import prediction

    writer = ParquetWriter(prediction.columns(names, probabilities))
    try:
        yield lambda rows: writer.add(rows.classes, rows.probabilities)
        with files.replacing(path) as file, files.reported(path, "written"):
            writer.write(Path(file.name))
    finally:
        writer.close()
