"""`train --verify`: whether a checkpoint is what its options give again, and what differs."""

from collections.abc import Iterable, Iterator

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
