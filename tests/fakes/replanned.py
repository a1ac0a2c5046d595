"""A template, the plan of a run of it, and edits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import decode, encode
from agentcli.engine.admission import Admission
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.own_code import OwnCode
from agentcli.workbench.plan_agent import plan_agent
from agentcli.workbench.run_agent import RunRequest
from agentcli.workbench.wiring import Workbench
from tests.unit.workbench.conftest import Project

TEMPLATE = """version: 1
kind: agent
name: tester
description: Tells of things.
model: scripted:replies.yaml
instructions: You know all about {{ inputs.topic }}, at length {{ inputs.length }}.
inputs:
  topic: {type: string}
  length: {type: integer, default: 3}
tools: [read_lines, create_file]
permissions: {allow: [create_file]}
limits: {turns: 7}
settings: {temperature: 0.5, seed: 1}
output: {schema: {type: object}}
"""


@pytest.fixture
async def plan(project: Project) -> AgentPlan:
    return await recorded(project)


async def recorded(project: Project, text: str = TEMPLATE, **options: Any) -> AgentPlan:
    """The plan of a run, as it would be on record."""
    inputs = options.pop("inputs", {"topic": "tea"})
    project.agent(text=text)
    with project.bench(**options) as bench:
        request = RunRequest("Tell.", agent="tester", inputs=inputs)
        plan, _parent = await plan_agent(bench, request, Admission(bench.redactor), OwnCode(bench))
    return AgentPlan.from_json(decode(encode(plan.to_json())))


@pytest.fixture
def bench(project: Project) -> Iterator[Workbench]:
    with project.bench() as made:
        yield made


def edited(project: Project, old: str = "", new: str = "", *, text: str = TEMPLATE) -> Path:
    """The template with one text replaced by another, in a file elsewhere."""
    assert text.count(old) == 1 or not old
    path = project.root / "edited" / "tester.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace(old, new) if old else text)
    return path


def changes(before: AgentPlan, after: AgentPlan) -> dict[str, Any]:
    """What differs, but for the file and its text, which every edit changes."""
    old, new = before.to_json(), after.to_json()
    return {name: new[name] for name in new if new[name] != old[name] and name not in ("path", "source")}
