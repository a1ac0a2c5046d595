"""The plan on its way to the helper."""

from __future__ import annotations

import pytest

from agentcli.sandbox.processes.steps import Step, packed_steps, unpacked_steps


def test_steps_survive_the_way() -> None:
    steps: list[Step] = [("status", "3"), ("file", "/a", ""), ("link", "/ä\udcff", "line\nend")]
    assert unpacked_steps(packed_steps(steps)) == steps
    with pytest.raises(ValueError, match="NUL"):
        packed_steps([("file", "a\0b")])
