"""What is free is the least of what the machine and every group around the process leave."""

import resource

import pytest

from dnncli.storage import memory

KILO = 1024


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Files as Linux has them, below a folder; each returns where to write one."""
    groups = tmp_path / "cgroup"
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(memory, "CGROUPS", groups)
    (tmp_path / "membership").write_text("4:memory:/old\n0::/outer/inner\n")
    (groups / "outer" / "inner").mkdir(parents=True)
    return tmp_path


def limit(group, most, used, cached=0):
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 7\n")


def test_nothing_is_known_where_linux_does_not_say(machine):
    assert memory.free() is None


def test_it_is_what_is_available_and_swap(machine):
    (machine / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 300 kB\nSwapFree: 40 kB\n")
    assert memory.free() == 340 * KILO


def test_every_group_around_the_process_limits_it(machine):
    (machine / "meminfo").write_text("MemAvailable: 300 kB\n")
    outer = machine / "cgroup" / "outer"
    limit(outer / "inner", "max", 10)
    assert memory.free() == 300 * KILO
    limit(outer, 5000, 3000)
    assert memory.free() == 2000
    limit(outer / "inner", 4000, 3500, cached=700)
    assert memory.free() == 1200
    limit(outer / "inner", 4000, 9000)
    assert memory.free() == 0


def test_this_machine_has_some():
    free = memory.free()
    assert free is None or free > 0


def test_a_limit_on_the_address_space_leaves_what_is_not_mapped_yet(monkeypatch):
    mapped = int(memory.STATM.read_text().split()[0]) * resource.getpagesize()
    limits = {"limit": resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limits["limit"], limits["limit"]))
    assert memory.address_space() is None
    limits["limit"] = mapped + (1 << 30)
    assert memory.address_space() == pytest.approx(1 << 30, abs=64 << 20)
    assert memory.free() <= memory.address_space()
    limits["limit"] = 1
    assert memory.address_space() == 0
