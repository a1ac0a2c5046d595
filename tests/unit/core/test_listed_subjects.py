"""Rules held against a call that is about a list of paths."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.core.agents import Permissions
from agentcli.core.policies import Layer, Policy
from agentcli.core.tools import ToolSpec

KEEP = ToolSpec("keep_files", "", {"type": "object"}, "irreversible", subject="paths")


@pytest.mark.parametrize(
    ("paths", "decision"),
    [
        (["out/a"], "allow"),
        (["out/a", "out/b/c"], "allow"),
        (["out/a", "b"], "ask"),
        (["out/a", "out/secret"], "deny"),
        (["out/a", 5], "deny"),
        ([], "deny"),
    ],
)
def test_of_a_list_of_paths_one_is_enough_to_restrict_and_all_are_needed_to_allow(
    paths: list[Any], decision: str
) -> None:
    rules = Permissions(allow=("keep_files(out/**)",), deny=("keep_files(**/secret)",))
    assert Policy([Layer("user", rules)]).decide(KEEP, {"paths": paths}).decision == decision
