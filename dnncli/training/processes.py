"""Processes, on one machine or several, that train one network together.

All of them run the same command. JAX's coordination service, in process 0, lets them find each
other, and the collectives in their compiled programs keep them together from then on.
"""

import hashlib
import logging
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh

from dnncli.errors import DnncliError, LostProcessError, SpecError
from dnncli.spec.processes import ProcessSpec
from dnncli.training import placement
from dnncli.training.devices import ALL, DEVICE, PROCESS, Devices

Step = TypeVar("Step")

PAUSE = 0.2  # seconds between attempts to reach the coordinator
# JAX aborts the process where another one is silent for longer: this module gives up before.
GRACE = 3600


@dataclass(frozen=True)
class Group:
    """The processes of a run: their devices, and which of them this one is."""

    devices: Devices
    index: int

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes, prints and saves."""
        return self.index == 0

    def largest(self, own: int) -> int:
        """The largest of the numbers that the processes bring; all of them must ask.

        Raises DnncliError where one of them is lost or does not answer.
        """
        return int(max(self._all(own)))

    def check_same(self, what: Iterable[object]) -> None:
        """Raise DnncliError where processes train with other options or on other data."""
        digest = hashlib.sha256(repr(list(what)).encode()).digest()
        if len(set(self._all(int.from_bytes(digest[:4]) >> 1))) > 1:
            raise DnncliError(
                "the processes do not train the same run: options, data and versions must be the"
                " same for all of them."
            )

    def watched(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps. Raises LostProcessError where another process is lost in one of them."""
        with _lost_named():
            yield from steps

    def _all(self, own: int) -> list[int]:
        """The numbers of all processes."""
        devices = self.devices
        part = np.full(1, own, np.int32)
        with _lost_named():
            shared = jax.make_array_from_callback(
                (devices.processes,), devices.held, lambda _: part
            )
            everywhere = jax.jit(lambda numbers: numbers, out_shardings=devices.everywhere)
            numbers: Any = placement.wait(everywhere(shared), devices.timeout)
        return [int(number) for number in numbers]


@contextmanager
def _lost_named() -> Iterator[None]:
    """Turn what a failed collective raises, where it begins or ends, into LostProcessError."""
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        text = str(error)
        if "Gloo" not in text and not isinstance(error, jax.errors.JaxRuntimeError):
            raise
        reason = text.splitlines()[0].rpartition("] ")[2]
        raise LostProcessError(f"another process was lost ({reason}).") from error


def join(asked: ProcessSpec, wanted: int | str | None) -> Group:
    """Find the other processes. JAX must not have computed anything yet.

    wanted: how many devices of each process share the work; None: all.
    Raises SpecError where nothing says who the others are, DnncliError where they do not come.
    """
    # Its notices of preemption would take SIGTERM for itself.
    jax.config.update("jax_enable_preemption_service", False)
    logging.getLogger("jax._src.distributed").setLevel(logging.ERROR)
    started: dict[str, Any] = {}
    if not asked.distributed:
        _await_coordinator(asked)
        started = {
            "coordinator_address": asked.coordinator,
            "num_processes": asked.processes,
            "process_id": asked.process,
            "cluster_detection_method": "deactivate",
        }
    wait = max(1, int(asked.timeout))
    silence = wait + GRACE
    begin = partial(jax.distributed.initialize, **started)
    try:
        begin(
            initialization_timeout=wait,
            heartbeat_timeout_seconds=silence,
            shutdown_timeout_seconds=silence,
        )
    except ValueError as error:
        if not asked.distributed:
            raise
        raise SpecError(
            "--distributed: this process was not started by Slurm, Open MPI or Kubernetes; give"
            " --coordinator, --processes and --process.",
            option="--distributed",
        ) from error
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DnncliError(f"the processes did not find each other: {reason}") from error
    return Group(_devices(wanted, asked.timeout), jax.process_index())


def _await_coordinator(asked: ProcessSpec) -> None:
    """Wait for process 0 to answer. Raises DnncliError where it does not within the time."""
    assert asked.coordinator is not None
    if asked.process == 0:
        return
    host, _, port = asked.coordinator.rpartition(":")
    until = time.monotonic() + asked.timeout
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise DnncliError(
                    f"--coordinator {asked.coordinator}: process 0 did not answer within"
                    f" {asked.timeout:g} s ({reason.lower()})."
                ) from None
        time.sleep(PAUSE)


def _devices(wanted: int | str | None, timeout: float) -> Devices:
    """So many devices of each process. Raises SpecError where one of them has fewer."""
    found: dict[int, list[Any]] = {}
    for device in jax.devices():
        found.setdefault(device.process_index, []).append(device)
    fewest = min(map(len, found.values()))
    count = fewest if wanted in (None, ALL) else int(str(wanted))
    if count > fewest:
        raise SpecError(f"--devices {count}: a process has {fewest} of them.", option="--devices")
    rows = [found[process][:count] for process in sorted(found)]
    return Devices(Mesh(np.array(rows), (PROCESS, DEVICE)), timeout)


def leave() -> None:
    """Wait for the others to be done too, and part from them."""
    jax.distributed.shutdown()
