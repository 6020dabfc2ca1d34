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

ONE_DEVICE = {"devices": "1"}  # goes without saying


def versions(devices: int = 1) -> dict[str, str]:
    """What the numbers depend on besides the seed; on CPU also the number of threads.

    devices: how many share the work.
    """
    parts = {
        "dnncli": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "optax": optax.__version__,
    }
    machine = {
        "python": platform.python_version(),
        "device": jax.devices()[0].device_kind,
        "threads": str(threads()),
    }
    several = {"devices": str(devices)} if devices > 1 else {}
    return parts | {"numpy": np.__version__} | machine | several


def threads() -> int:
    """How many threads XLA uses on CPU: results depend on it in the last bits."""
    return int(os.environ.get("NPROC", 0)) or len(os.sched_getaffinity(0))


def differences(stored: Mapping[str, str], devices: int = 1) -> tuple[VersionDifference, ...]:
    """What is not as it was where a run was stored; nothing where that is unknown.

    devices: how many share the work here.
    """
    if not stored:
        return ()
    here = ONE_DEVICE | versions(devices)
    then = ONE_DEVICE | dict(stored)
    changed = [name for name in here if then.get(name) != here[name]]
    return tuple(VersionDifference(name, then.get(name), here[name]) for name in changed)
