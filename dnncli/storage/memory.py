"""How much memory this process may still take."""

import resource
from collections.abc import Iterator
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
MEMBERSHIP = Path("/proc/self/cgroup")
STATM = Path("/proc/self/statm")
CGROUPS = Path("/sys/fs/cgroup")


def free() -> int | None:
    """Bytes that the machine has left, swap included, within its container's and process's limits.

    None where that is unknown.
    """
    amounts = [*_machine(), *_container()]
    if (left := address_space()) is not None:
        amounts.append(left)
    return min(amounts, default=None)


def address_space() -> int | None:
    """Bytes that this process may still map; None where it has no limit or that is unknown."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(STATM.read_text().split()[0])
    except OSError:
        return None
    return max(0, limit - pages * resource.getpagesize())


def _machine() -> Iterator[int]:
    """What Linux says it can give without killing anyone."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return
    pairs = (line.split()[:2] for line in lines)
    kilobytes = {name: int(amount) for name, amount in pairs}
    if "MemAvailable:" in kilobytes:
        yield 1024 * (kilobytes["MemAvailable:"] + kilobytes.get("SwapFree:", 0))


def _container() -> Iterator[int]:
    """What the limits of this process's control group and of those around it leave (version 2)."""
    try:
        unified = next(
            line for line in MEMBERSHIP.read_text().splitlines() if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return
    inner = CGROUPS / unified.removeprefix("0::").strip("/")
    for group in (inner, *inner.parents):
        if group.is_relative_to(CGROUPS):
            yield from _left_in(group)


def _left_in(group: Path) -> Iterator[int]:
    """One group's limit less what it uses, cached files aside; nothing where it has no limit."""
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        statistics = (group / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):  # "max", or a machine without these files
        return
    cached = sum(int(line.split()[1]) for line in statistics if line.startswith("inactive_file "))
    yield max(0, limit - used + cached)
