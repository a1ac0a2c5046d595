"""The ways to confine programs that there are on this machine, for the suites that all of them must pass."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import pytest

from agentcli.core.processes import Finished, Job
from agentcli.sandbox.processes.choosing import BACKENDS
from agentcli.sandbox.processes.identity import this_machine
from agentcli.sandbox.processes.landlock import SCOPES_SINCE
from agentcli.sandbox.processes.launching import Backend
from agentcli.sandbox.processes.running import run_confined

ON_LINUX = ("bubblewrap", "builtin", *(("landlock",) if os.geteuid() else ()))
"""Landlock alone is refused to root; the suites of abuse are run by an ordinary user as well."""


def found_here(name: str) -> Backend:
    """The backend; where one is missing that this machine could have, the test is skipped for want of it."""
    if sys.platform != "linux":
        pytest.skip("only on Linux")
    if name == "landlock" and this_machine().landlock < SCOPES_SINCE:
        pytest.skip("only on Linux 6.12 and newer")
    found = BACKENDS[name]()
    if missing := found.missing():
        pytest.skip(f"{name}: {missing[0]} {missing[1]}")
    return found


@pytest.fixture(params=ON_LINUX)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of them."""
    return found_here(request.param)


@dataclass(frozen=True)
class On:
    """A sandbox that is this one backend, unproven: the suites are the proof."""

    backend: Backend

    @property
    def name(self) -> str:
        return self.backend.name

    async def run(self, job: Job) -> Finished:
        return await run_confined(self.backend, job)
