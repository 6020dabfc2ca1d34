"""What a run's numbers depend on besides its options: libraries, processor and threads."""

import os
import platform
from collections.abc import Mapping

import jax
import jaxlib.version
import numpy as np
import optax

from dnncli import __version__
from dnncli.records.verification import VersionDifference


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


def differences(stored: Mapping[str, str]) -> tuple[VersionDifference, ...]:
    """What is not as it was where a run was stored; nothing where that is unknown."""
    here = versions()
    changed = [name for name in here if stored and stored.get(name) != here[name]]
    return tuple(VersionDifference(name, stored.get(name), here[name]) for name in changed)
