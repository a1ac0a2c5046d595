"""The permissions that hold where no template adds its own."""

from __future__ import annotations

from agentcli.workbench.agent_plan import PolicyPlan
from agentcli.workbench.wiring import Workbench


def policy_here(bench: Workbench) -> PolicyPlan:
    """The rules of the user and of the project, each with its trust, and the flags."""
    return PolicyPlan(tuple(bench.loaded.permissions), yes=bench.options.yes, allow=tuple(bench.options.allow))
