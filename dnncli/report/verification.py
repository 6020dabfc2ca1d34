"""Whether a checkpoint is what its options give again: `train --verify`, `inspect --versions`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records.verification import TensorDifference, VerificationRecord, VersionDifference
from dnncli.report import text

MOST = 12  # tensors that are listed


def report(record: VerificationRecord) -> Iterator[RenderableType]:
    """A line where all is the same, else tensors, versions and a line."""
    if record.differing:
        yield Text()
        yield _table(record)
    yield Text()
    yield Text(f"{sentence(record)}.")


def sentence(record: VerificationRecord) -> str:
    """What was found."""
    if record.same:
        return (
            f"verified {record.checkpoint}: {record.tensors} tensors and {record.epochs} epochs are"
            " the same, bit for bit"
        )
    found = [f"{len(record.differing)} of {record.tensors} tensors differ"]
    if record.first_epoch is not None:
        found.append(f"epochs differ from {record.first_epoch} on")
    found.append(cause(record))
    return f"{record.checkpoint} is not what its options give here: {'; '.join(found)}"


def cause(record: VerificationRecord) -> str:
    """Why that may be: what else is different here."""
    return changes(record.versions) or "versions, processor and threads are the same"


def changes(versions: Iterable[VersionDifference]) -> str:
    """What is different here, and what it was."""
    return "; ".join(f"{one.name} {one.stored} then, {one.here} now" for one in versions)


def version_rows(
    stored: Mapping[str, str], changed: Sequence[VersionDifference]
) -> list[list[object]]:
    """What a run's numbers depend on for CSV: as it was stored, and here."""
    here = {one.name: one.here for one in changed}
    then = {**stored, **{one.name: one.stored for one in changed}}
    rows: list[list[object]] = [["name", "stored", "here"]]
    rows += [[name, version, here.get(name, version)] for name, version in then.items()]
    return rows


def version_lines(
    stored: Mapping[str, str], changed: Sequence[VersionDifference]
) -> Iterator[RenderableType]:
    """The same for people, and what follows from it."""
    if not stored:
        yield Text("the file does not say with which versions it was made.")
        return
    table = Table("", "stored", "here", **text.TABLE)
    for row in version_rows(stored, changed)[1:]:
        style = "" if row[1] == row[2] else "bold"
        table.add_row(*(str(cell or "–") for cell in row), style=style)
    yield table
    yield Text(_consequence(changed))


def _consequence(changed: Sequence[VersionDifference]) -> str:
    if not changed:
        return "all of it is the same here: the same options give the same bytes again."
    names = ", ".join(one.name for one in changed)
    return f"not the same here: {names}. Bytes may differ; `dnncli train --verify` tells."


def _table(record: VerificationRecord) -> Table:
    """Tensors that differ, the most different first."""
    heads = ("tensor", "largest difference", "numbers that differ")
    table = Table(*heads, **text.TABLE)
    ordered = sorted(record.differing, key=lambda one: -(one.largest or 0))
    for one in ordered[:MOST]:
        table.add_row(one.name, _largest(one), _share(one))
    if len(ordered) > MOST:
        table.add_row(f"and {len(ordered) - MOST} more", "", "")
    return table


def _share(one: TensorDifference) -> str:
    return "" if one.share is None else text.percent(one.share)


def _largest(one: TensorDifference) -> str:
    return "another shape" if one.largest is None else f"{one.largest:.1e}"
