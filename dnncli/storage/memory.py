"""How much memory this process may still take."""

import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
MEMBERSHIP = Path("/proc/self/cgroup")
STATM = Path("/proc/self/statm")
CGROUPS = Path("/sys/fs/cgroup")


def free() -> int | None:
    """Bytes that the machine has left, swap included, within its container's and process's limits.

    None where that is unknown.
    """
    amounts = [*_machine("MemAvailable:", "SwapFree:"), *_container(_left_in)]
    if (left := address_space()) is not None:
        amounts.append(left)
    return min(amounts, default=None)


def total() -> int | None:
    """Bytes that the machine has, or that the container or this process is limited to.

    The same whatever else runs, so that what is decided by it is decided alike in every run. None
    where it is unknown.
    """
    amounts = [*_machine("MemTotal:"), *_container(_limit_of)]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        amounts.append(limit)
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


def _machine(*names: str) -> Iterator[int]:
    """The sum of lines of Linux's own account; nothing where it lacks the first of them."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return
    pairs = (line.split()[:2] for line in lines)
    kilobytes = {name: int(amount) for name, amount in pairs}
    if names[0] in kilobytes:
        yield 1024 * sum(kilobytes.get(name, 0) for name in names)


def _container(amount: Callable[[Path], Iterator[int]]) -> Iterator[int]:
    """An amount of this process's control group and of those around it (version 2)."""
    try:
        unified = next(
            line for line in MEMBERSHIP.read_text().splitlines() if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return
    inner = CGROUPS / unified.removeprefix("0::").strip("/")
    for group in (inner, *inner.parents):
        if group.is_relative_to(CGROUPS):
            yield from amount(group)


def _limit_of(group: Path) -> Iterator[int]:
    """One group's limit; nothing where it has none."""
    with suppress(OSError, ValueError):  # "max", or a machine without these files
        yield int((group / "memory.max").read_text())


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


def shown(amount: int) -> str:
    """Bytes for people."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if amount >= size:
            return f"{amount / size:,.1f} {unit}"
    return f"{amount} bytes"
