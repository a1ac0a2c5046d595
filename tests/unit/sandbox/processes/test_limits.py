"""Limits of a job as the system has them."""

from __future__ import annotations

import pytest

from agentcli.core.processes import ProcessLimits
from agentcli.sandbox.processes.limits import counts_apart, resource_limits


def test_every_limit_has_its_number() -> None:
    limits = ProcessLimits(cpu_seconds=3, memory_bytes=5, processes=7, file_bytes=11)
    found = resource_limits(limits, 2, "6.1.0-18-amd64")
    assert found["RLIMIT_CPU"] == (3, 4)
    assert found["RLIMIT_DATA"] == (5, 5)
    assert found["RLIMIT_FSIZE"] == (11, 11)
    assert found["RLIMIT_NPROC"] == (9, 9)
    assert found["RLIMIT_CORE"] == (0, 0)


@pytest.mark.parametrize(
    ("release", "apart"), [("5.13.9", False), ("5.14.0", True), ("6.18.44-x", True), ("4.19", False), ("odd", False)]
)
def test_where_the_kernel_counts_all_of_a_users_processes_there_is_no_such_limit(release: str, apart: bool) -> None:
    assert counts_apart(release) is apart
    assert ("RLIMIT_NPROC" in resource_limits(ProcessLimits(), 1, release)) is apart
