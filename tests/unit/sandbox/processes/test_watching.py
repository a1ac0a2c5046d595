"""What a group of processes uses, read from a /proc of the test's own, and from the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentcli.core.processes import MIB, ProcessLimits
from agentcli.sandbox.processes.watching import Used, Watch, free_bytes

PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


class Machine:
    """A /proc with processes."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def add(
        self, pid: int, children: str = "", threads: int = 1, mib: int = 1, seconds: int = 0, pss: int | None = None
    ) -> None:
        folder = self.place / str(pid)
        (folder / "task" / str(pid)).mkdir(parents=True)
        (folder / "task" / str(pid) / "children").write_text(children)
        fields = ["S", *["0"] * 40]
        fields[11], fields[17], fields[21] = str(seconds * TICK), str(threads), str(mib * MIB // PAGE)
        (folder / "stat").write_text(f"{pid} (a ) b) {' '.join(fields)}\n")
        if pss is not None:
            (folder / "smaps_rollup").write_text(f"00-ff ---p\nRss: 9 kB\nPss:    {pss * 1024} kB\nPss_Dirty: 5 kB\n")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "proc")


def test_all_below_the_first_one_are_found_and_what_ended_is_not(machine: Machine) -> None:
    machine.add(1, "2 3")
    machine.add(2, "4")
    machine.add(3)
    assert sorted(Watch(machine.place).below(1)) == [2, 3, 4]
    assert Watch(machine.place).below(99) == []


def test_threads_memory_and_time_are_summed(machine: Machine) -> None:
    machine.add(2, threads=3, mib=5, seconds=2)
    machine.add(3, mib=1, seconds=1)
    assert Watch(machine.place).used([2, 3, 99]) == Used(4, 6 * MIB, 3.0)


@pytest.mark.parametrize(
    ("limits", "past"),
    [
        (ProcessLimits(processes=2), "processes"),
        (ProcessLimits(cpu_seconds=8), "cpu"),
        (ProcessLimits(memory_bytes=70 * MIB), "memory"),
        (ProcessLimits(memory_bytes=90 * MIB), ""),
        (ProcessLimits(), ""),
    ],
)
def test_the_group_is_past_a_limit(machine: Machine, limits: ProcessLimits, past: str) -> None:
    """Two processes of 60 MiB each share half of it, and one has ended before its share could be read."""
    machine.add(1, "2 3 4 5")
    machine.add(2, mib=60, seconds=5, pss=30)
    machine.add(3, mib=60, seconds=5, pss=30)
    machine.add(4, mib=15)
    assert Watch(machine.place).exceeded(1, limits) == past


def test_of_this_process_something_is_known() -> None:
    used = Watch().used([os.getpid()])
    assert used.processes >= 1
    assert used.memory > MIB
    assert Watch().shares([os.getpid()]) > MIB


def test_of_a_disk_it_is_known_what_is_free(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) < 1 << 60
