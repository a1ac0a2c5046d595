"""Edits under which a recorded run cannot be replayed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.errors import AgentcliError, DeniedError, UsageError
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.replan import replan
from agentcli.workbench.wiring import Workbench
from tests.fakes.replanned import edited
from tests.unit.workbench.conftest import Project

REFUSED = [
    ("enabled", "kind: agent", "kind: agent\nenabled: false", "E-AGENT-DISABLED"),
    ("missing", "inputs:\n", "inputs:\n  more: {type: string, description: What more.}\n", "E-INPUT-MISSING"),
    ("type", "topic: {type: string}", "topic: {type: integer}", "E-INPUT-TYPE"),
    ("value", "topic: {type: string}", "topic: {type: string, enum: [coffee]}", "E-INPUT-VALUE"),
    ("tool", "[read_lines,", "[read_line,", "E-TEMPLATE-UNKNOWN-TOOL"),
    ("option", "[read_lines,", "[read_lines: {max_line: 1},", "E-TOOL-OPTION"),
    ("key", "kind: agent", "kind: agent\nmodle: x", "E-TEMPLATE-UNKNOWN-KEY"),
]


@pytest.mark.parametrize(("old", "new", "code"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
async def test_what_cannot_be_is_told(
    project: Project, plan: AgentPlan, bench: Workbench, old: str, new: str, code: str
) -> None:
    with pytest.raises(AgentcliError) as caught:
        await replan(bench, plan, edited(project, old, new))
    assert caught.value.code == code
    assert "-i " not in caught.value.info.fix  # a replay takes no inputs


async def test_an_agent_that_was_disabled_since_is_refused_as_by_a_run(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    with pytest.raises(DeniedError):
        await replan(bench, plan, edited(project, "kind: agent", "kind: agent\nenabled: false"))


async def test_a_file_that_is_not_there_is_told(project: Project, plan: AgentPlan, bench: Workbench) -> None:
    with pytest.raises(UsageError) as caught:
        await replan(bench, plan, Path("nothing"))
    assert caught.value.code == "E-AGENT-UNKNOWN"


async def test_a_recorded_template_that_no_longer_reads_is_told_as_such(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    older = replace(plan, source=plan.source.replace("kind: agent", "kind: agent\nolder: 1"))
    with pytest.raises(AgentcliError) as caught:
        await replan(bench, older, edited(project, "seed: 1", "seed: 2"))
    assert str(caught.value.info.file).endswith("tester.yaml (as recorded)")


async def test_an_untrusted_project_names_no_model_file_elsewhere(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    path = edited(project, "scripted:replies.yaml", "scripted:../../secrets.yaml")
    with pytest.raises(AgentcliError) as caught:
        await replan(bench, plan, path)
    assert caught.value.code == "E-MODEL-UNTRUSTED"
