"""Whether a run fits into memory: told before anything is allocated."""

from itertools import pairwise

from dnncli.errors import DnncliError
from dnncli.spec import RunSpec
from dnncli.storage import memory
from dnncli.training.plan import batch_size

FLOAT = 4  # bytes
# Of the parameters, alive at once, as measured (tests/benchmarks/memory.md): on the host before the
# first epoch, before, in and after an epoch, the gradient, the best epoch's and the checkpoint's.
COPIES = 10
# Pre-activation, activation and delta of every unit for every example of a batch.
BATCH_COPIES = 3
# What JAX takes of the address space for its threads and compiler before it computes anything;
# where it is refused that, it aborts the process.
ROOM = 1 << 30


def check_room() -> None:
    """Raise DnncliError where a limit on the address space leaves less than JAX begins with."""
    left = memory.address_space()
    if left is not None and left < ROOM:
        raise DnncliError(
            f"a limit (`ulimit -v`) leaves this process {_gibibytes(left)} of address space, and"
            f" JAX begins with {_gibibytes(ROOM)}: raise it."
        )


def check(spec: RunSpec, features: int, outputs: int, examples: int, seeds: int = 1) -> None:
    """Raises DnncliError, with both amounts, where training would need more than is free.

    What the optimizer keeps is not counted, so what fits is never refused for it.
    """
    free = memory.free()
    sizes = (features, *spec.network.hidden, outputs)
    count = parameters(sizes)
    batch = batch_size(spec, examples)
    kept = FLOAT * seeds * COPIES * count
    passed = FLOAT * seeds * BATCH_COPIES * batch * sum(sizes[1:])
    if free is None or kept + passed <= free:
        return
    if kept >= passed:
        what = f"{count:,} parameters"
        advice = "make the layers (--width) smaller"
    else:
        what = f"batches of {batch:,} examples in {sum(sizes[1:]):,} units"
        advice = "make --batch-size smaller"
    times = f" for each of {seeds} seeds" if seeds > 1 else ""
    raise DnncliError(
        f"training needs about {_gibibytes(kept + passed)} of memory for {what}{times}, and "
        f"{_gibibytes(free)} are free: {advice}."
    )


def parameters(sizes: tuple[int, ...]) -> int:
    """Kernels and biases of layers of these sizes, from the input up; batch norm's are few."""
    return sum(below * above + above for below, above in pairwise(sizes))


def _gibibytes(amount: int) -> str:
    return f"{amount / 2**30:,.1f} GiB"
