"""A table's rows encoded on the disk, where they are too large for memory."""

from typing import Any

import numpy as np
from jaxtyping import Int32, Shaped

from dnncli.data.blocks import pages
from dnncli.data.blocks import store as cache
from dnncli.data.blocks.store import Draft, Shape, Store
from dnncli.data.blocks.stored import Stored
from dnncli.data.source import header
from dnncli.data.tables import encoder, level_effects, number_targets, places, targets
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.relation import Relation, Scan
from dnncli.data.tables.table_source import Rows, meaning
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec
from dnncli.storage import memory


def exceeded(encoding: Encoding, rows: int, room: int | None) -> bool:
    """Whether so many rows, with all effects of levels, take more bytes; None: never."""
    names = [column.name for column in encoding.quantities]
    outputs = len(level_effects.outputs(encoding.classes, names))
    width = len(encoding.features)
    for column in encoding.columns:
        if column.by_target:
            width += outputs - column.measured
    return room is not None and Store(room).exceeded(rows, width)


def check_options(spec: DataSpec, encoding: Encoding) -> None:
    """Raise SpecError for options that rows on the disk cannot have: features that are made later.

    Raised before rows are encoded, which may take an hour.
    """
    if encoding.by_target:
        raise _needs_memory("--categories target", "--categories")
    if spec.scale == "piecewise":
        raise _needs_memory("--scale piecewise", "--scale")


def _needs_memory(given: str, name: str) -> SpecError:
    """The error for an option where rows are larger than memory."""
    return SpecError(
        f"{given} needs all examples in memory, and they are larger than --memory: give --memory"
        f" more, take fewer rows with --where, or choose another {name}.",
        option=name,
    )


def check_room(relation: Relation, rows: int, width: int) -> None:
    """Raise DataError for features that this machine's memory cannot hold."""
    needed = rows * width * np.dtype(np.float32).itemsize
    there = memory.total()
    if there is not None and needed > there:
        raise DataError(
            f"{relation.location}: {rows:,} rows of {width:,} features take"
            f" {memory.shown(needed)}, and there are {memory.shown(there)} of memory: take fewer"
            " rows with --where, or `train` without options that need all rows in memory (--folds,"
            " --ensemble, --stop-on, --group, --time, --split-seed)."
        )


def read(
    relation: Relation,
    encoding: Encoding,
    labels: targets.Labels,
    classes: Int32[np.ndarray, " labels"],
    store: Store,
) -> Rows:
    """Every row of a table, in its order, on the disk: encoded now, or by an earlier run.

    Raises DataError for rows that come in no order.
    """

    def write(draft: Draft) -> tuple[Shaped[np.ndarray, "rows ..."], dict[str, Any]]:
        return _write(relation, encoding, labels, classes, draft)

    files = [cache.identity(path) for path in relation.paths]
    dialect = None
    if relation.dialect:
        dialect = (relation.dialect.header, relation.dialect.options)
    page = pages.page_rows(1, 1, store.memory)
    read_as = (relation.where, dialect, labels.strip)
    name = cache.key(files, encoding.json(), read_as, page)
    shape = Shape(labels.rows, encoder.layout(encoding).width, "float32")
    found = cache.obtain(store, name, shape, write)
    issues = np.array(found.about["issues"], np.int64)
    return Rows(Stored(found.pages), found.y, issues, digest=found.about["fingerprint"])


def _write(
    relation: Relation,
    encoding: Encoding,
    labels: targets.Labels,
    classes: Int32[np.ndarray, " labels"],
    draft: Draft,
) -> tuple[Shaped[np.ndarray, "rows ..."], dict[str, Any]]:
    """Encode every row; what is written besides is why values were replaced."""
    at = encoder.layout(encoding)
    y: Any = np.empty(labels.rows, np.int32)
    issues = np.zeros((len(encoder.ISSUES), len(encoding.columns)), np.int64)
    columns = encoder.select_encoded(encoding, relation.types)
    select = f"{columns}, {targets.index(relation, labels)} AS label"
    scan = Scan(relation, select, at.width, labels.rows, sortable=False)
    _tell(draft, meaning(encoding))
    draft.digest.update(header(np.dtype(np.float32), (labels.rows, at.width)))
    for rows, batch in scan:
        if encoding.layout and rows.start == 0:
            places.check(relation.location, encoding, batch["x"], header_given=True)
        x, found = encoder.encode(at, batch["x"])
        if not scan.ordered:
            raise _unordered(relation)
        draft.writer.add(x)
        if not labels.numbers:
            y[rows] = classes[batch["label"]]
        issues += found
        draft.tell(rows.stop)
    if labels.numbers:
        y = number_targets.values(relation, labels)
    _tell(draft, y)
    return y, {"issues": issues.tolist(), "fingerprint": draft.digest.hexdigest()}


def _tell(draft: Draft, array: Shaped[np.ndarray, "..."]) -> None:
    """Have an array in the fingerprint, as `source.fingerprint` has it."""
    draft.digest.update(header(array.dtype, array.shape))
    draft.digest.update(np.ascontiguousarray(array).data)


def _unordered(relation: Relation) -> DataError:
    """The error for rows in no order."""
    return DataError(
        f"{relation.location}: --where makes its rows come in no order, which a table that is"
        " larger than --memory needs: store the rows that it keeps in a file first."
    )
