"""What `doctor` says of the sandbox."""

from __future__ import annotations

import pytest

from agentcli.sandbox.processes.choosing import Finding
from agentcli.workbench.doctor import sandbox_check

NO_BWRAP = Finding("bubblewrap", "missing", "It is not installed.", "Install the package `bubblewrap`.")
FLAWED = Finding("builtin", "flawed", "Setting up failed.", "Permit user namespaces.")
PROVEN = Finding("builtin", "proven")


@pytest.mark.parametrize(
    ("name", "findings", "status", "said", "fix"),
    [
        ("builtin", [PROVEN], "ok", "by builtin, proven on this machine.", ""),
        ("builtin", [NO_BWRAP, PROVEN], "ok", "Not used: bubblewrap: It is not installed.", ""),
        ("landlock", [Finding("landlock", "proven")], "warn", "weaker", "Set `sandbox.backend: auto`"),
        ("none", [NO_BWRAP, FLAWED], "warn", "none is run. bubblewrap: It is not installed; builtin: ", "Install the"),
    ],
)
def test_the_backend_in_force_is_named_and_what_is_missing(
    name: str, findings: list[Finding], status: str, said: str, fix: str
) -> None:
    check = sandbox_check(name, findings)
    assert (check.name, check.status) == ("sandbox", status)
    assert said in check.detail
    assert check.fix.startswith(fix)
