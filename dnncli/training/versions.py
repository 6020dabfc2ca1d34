"""What a run's numbers depend on besides its options: libraries, processor and threads."""

import os
import platform

import jax
import jaxlib.version
import numpy as np
import optax

from dnncli import __version__
from dnncli.errors import CheckpointError
from dnncli.storage.checkpoint import Checkpoint
from dnncli.storage.decoding import decode


def versions() -> dict[str, str]:
    """What the numbers depend on besides the seed; on CPU also the number of threads."""
    parts = {
        "dnncli": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "optax": optax.__version__,
    }
    devices = jax.devices()
    machine = {
        "python": platform.python_version(),
        "device": devices[0].device_kind,
        "threads": str(threads()),
    }
    return parts | {"numpy": np.__version__} | machine


def threads() -> int:
    """How many threads XLA uses on CPU: results depend on it in the last bits."""
    return int(os.environ.get("NPROC", 0)) or len(os.sched_getaffinity(0))


def stored_versions(checkpoint: Checkpoint, path: object) -> dict[str, str]:
    """`versions()` when the run was stored. Raises CheckpointError where they are not texts."""
    try:
        return decode(dict[str, str], checkpoint.metadata.get("versions", {}), "versions")
    except TypeError as error:
        raise CheckpointError(f"{path} describes no run: {error}") from None
