"""The devices that share a run's work, as a mesh, and how arrays are laid out over it.

A batch's rows are shared over all devices; XLA adds up over them what a step needs of the whole
batch. Parameters are the same everywhere. Each process holds its own part of the examples' rows,
and all its devices hold that part, so that a batch is gathered without a word between them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from dnncli.errors import SpecError
from dnncli.nn.examples import Examples, Raw

Tree = TypeVar("Tree")

PROCESS = "process"
DEVICE = "device"  # of a process
ALL = "all"
EVERYWHERE = PartitionSpec()
HELD = PartitionSpec(PROCESS)
SHARED = PartitionSpec((PROCESS, DEVICE))


@dataclass(frozen=True)
class Devices:
    """Devices on which one program runs; a mesh of processes and of each one's devices.

    timeout: seconds that other processes may keep this one waiting; None: there are no others.
    """

    mesh: Mesh
    timeout: float | None = None

    @property
    def count(self) -> int:
        """How many devices there are in all."""
        return self.mesh.size

    @property
    def processes(self) -> int:
        """How many processes they belong to."""
        return self.mesh.shape[PROCESS]

    @property
    def everywhere(self) -> NamedSharding:
        """The layout of what every device has whole."""
        return NamedSharding(self.mesh, EVERYWHERE)

    @property
    def held(self) -> NamedSharding:
        """The layout of examples' rows, of which each process has a part."""
        return NamedSharding(self.mesh, HELD)

    def missing(self, rows: int) -> int:
        """How many rows are to be added until all devices can share them evenly."""
        return -rows % self.count

    def filled(self, tree: Tree) -> Tree:
        """Inside a program: arrays whose last row comes again until all devices can share them."""

        def fill(leaf: Array) -> Array:
            last = leaf.shape[0] - 1
            rows = np.minimum(np.arange(leaf.shape[0] + self.missing(leaf.shape[0])), last)
            return leaf[rows] if self.missing(leaf.shape[0]) else leaf

        return jax.tree.map(fill, tree)

    def share(self, rows: Tree) -> Tree:
        """Inside a program: arrays of which each device computes its part of the rows."""
        return jax.lax.with_sharding_constraint(rows, NamedSharding(self.mesh, SHARED))

    def by_parts(self, function: Callable[..., Any], layout: Any = SHARED) -> Callable[..., Any]:
        """`function(whole, own)` on each device, which has all of `whole` and a part of `own`.

        layout: of `own`, whose first axis the devices share evenly.
        """
        return jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=(EVERYWHERE, layout),
            out_specs=SHARED,
            check_vma=False,
        )


def rows_of(x: Examples) -> Any:
    """The layout of examples whose rows are shared: raw ones have their scaling everywhere."""
    if not isinstance(x, Raw):
        return SHARED
    whole = jax.tree.map(lambda _: EVERYWHERE, x)
    return whole._replace(values=SHARED)


def choose(wanted: int | str | None) -> Devices | None:
    """So many of this process's devices, or "all"; None for a single one, which needs no mesh.

    Raises SpecError where there are fewer.
    """
    if wanted is None:
        return None
    found = jax.local_devices()
    count = len(found) if wanted == ALL else int(wanted)
    if count > len(found):
        raise SpecError(f"--devices {count}: {_there_are(len(found))}", option="--devices")
    if count == 1:
        return None
    return Devices(Mesh(np.array(found[:count]).reshape(1, count), (PROCESS, DEVICE)))


def _there_are(count: int) -> str:
    """How many devices JAX sees, and how there come to be more."""
    platform = jax.default_backend()
    noun = "device" if count == 1 else "devices"
    verb = "is" if count == 1 else "are"
    seen = f"there {verb} {count} {noun} here ({platform})"
    if platform != "cpu":
        return f"{seen}."
    return f"{seen}; JAX_NUM_CPU_DEVICES=N makes it N, which share the processor's cores."
