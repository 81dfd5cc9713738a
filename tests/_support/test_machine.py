"""How much memory a process may have: the machine's, or its container's."""

import os

import pytest

from photochrom._support import machine
from photochrom._support.machine import memory_left, memory_limit

GB = 10**9


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write the files of both versions of cgroups, and a machine with 8 GB that are free."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 7812500 kB\nBuffers: 5 kB\n")
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    known = [(tmp_path / str(version), *names) for version, names in enumerate(NAMES, 1)]
    monkeypatch.setattr(machine, "_GROUPS", tuple(machine._Group(*names) for names in known))

    def write(version, most, used, stat=""):
        folder, *names, _ = known[version - 1]
        folder.mkdir(exist_ok=True)
        for name, content in zip((*names, "memory.stat"), (most, used, stat), strict=True):
            (folder / name).write_text(f"{content}\n")

    return write


NAMES = (("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"), ("memory.max", "memory.current", ""))


def test_the_files_of_cgroups_are_those_of_the_system():
    names = [(str(group.folder), group.most, group.used, group.whole) for group in machine._GROUPS]
    assert names == [("/sys/fs/cgroup", *NAMES[1]), ("/sys/fs/cgroup/memory", *NAMES[0])]


def test_without_a_container_the_machine_counts(container):
    assert memory_left() == 8 * GB
    assert memory_limit() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("version", [1, 2])
def test_in_a_container_its_limit_counts(container, version):
    container(version, 300_000_000, 100_000_000)
    assert (memory_limit(), memory_left()) == (300_000_000, 200_000_000)
    container(version, 300_000_000, 400_000_000)
    assert memory_left() == 0


def test_a_large_container_on_a_full_machine(container):
    container(2, 100 * GB, GB)
    assert memory_left() == 8 * GB


@pytest.mark.parametrize(("version", "none"), [(1, (1 << 63) - 4096), (2, "max")])
def test_a_container_without_a_limit(container, version, none):
    limit = memory_limit()
    container(version, none, GB)
    assert (memory_limit(), memory_left()) == (limit, 8 * GB)


@pytest.mark.parametrize(("version", "before"), [(1, "total_"), (2, "")])
def test_what_the_system_keeps_of_files_is_free(container, version, before):
    stat = f"anon 5\n{before}inactive_file 50000000\n{before}active_file 20000000\n{before}inactive_anon 7"
    container(version, 300_000_000, 290_000_000, stat)
    assert memory_left() == 80_000_000


def test_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_GROUPS", ())
    assert memory_left() is None
