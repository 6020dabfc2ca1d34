"""What holds for training examples that are too large for memory and stay on the disk."""

from dataclasses import replace

from dnncli.data.blocks.store import Store
from dnncli.data.blocks.stored import Stored
from dnncli.data.source import DataSource
from dnncli.data.splitting import held_out_sizes
from dnncli.errors import SpecError
from dnncli.records import Notice
from dnncli.spec import DataSpec, option
from dnncli.storage import memory

ALWAYS = 1 << 26  # bytes that held-out examples may take whatever --memory is
REFUSED = ("split_seed", "group", "time")


def allowed(spec: DataSpec, store: Store | None) -> Store | None:
    """Where examples may go; None: options need them all in memory.

    Raises SpecError where such an option stands beside --memory.
    """
    given = [name for name in REFUSED if getattr(spec, name) is not None]
    if not given or store is None:
        return store
    if spec.memory is not None:
        raise needs_memory(option(given[0]))
    return None


def needs_memory(name: str) -> SpecError:
    """The error for --memory beside an option that needs all examples in memory."""
    return SpecError(
        f"--memory: {name} needs all examples in memory; leave one of them out.", option="--memory"
    )


def checked(source: DataSource, spec: DataSpec, store: Store) -> DataSource:
    """The source with a notice of how it is trained on.

    Raises SpecError for held-out examples, which stay in memory, that are too many for it.
    """
    assert isinstance(source.train.x, Stored)
    pages = source.train.x.pages
    for name, count in held_out_sizes(source, spec.validation, spec.test).items():
        taken = count * pages.row_bytes
        if taken > max(store.memory, ALWAYS):
            raise SpecError(
                f"{option(name)}: {count:,} examples take {memory.shown(taken)} of memory, where"
                f" they stay, and --memory is {memory.shown(store.memory)}: ask for fewer.",
                option=option(name),
            )
    size = pages.shape[0] * pages.row_bytes
    facts: dict[str, str | int | float] = {
        "rows": pages.shape[0],
        "size": memory.shown(size),
        "memory": memory.shown(store.memory),
        "folder": str(pages.path.parent.parent),
    }
    return replace(source, notices=(*source.notices, Notice("on disk", facts=facts)))
