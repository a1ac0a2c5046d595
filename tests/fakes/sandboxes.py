"""The ways to confine programs that there are on this machine, for the suites that all of them must pass."""

from __future__ import annotations

import os
import sys

import pytest

from agentcli.sandbox.processes.choosing import BACKENDS
from agentcli.sandbox.processes.identity import this_machine
from agentcli.sandbox.processes.landlock import SCOPES_SINCE
from agentcli.sandbox.processes.launching import Backend

ON_LINUX = ("bubblewrap", "builtin", *(("landlock",) if os.geteuid() else ()))
"""Landlock alone is refused to root; the suites of abuse are run by an ordinary user as well."""


@pytest.fixture(params=ON_LINUX)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of them; where one is missing that this machine could have, its tests are skipped for want of it."""
    if sys.platform != "linux":
        pytest.skip("only on Linux")
    if request.param == "landlock" and this_machine().landlock < SCOPES_SINCE:
        pytest.skip("only on Linux 6.12 and newer")
    found = BACKENDS[request.param]()
    if missing := found.missing():
        pytest.skip(f"{request.param}: {missing[0]} {missing[1]}")
    return found
