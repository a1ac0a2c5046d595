"""A recorded run under an edited template: what the edit changes is changed, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.replan import replan
from agentcli.workbench.wiring import Workbench
from tests.fakes.replanned import TEMPLATE, changes, edited, recorded
from tests.unit.workbench.conftest import Project

OTHER_SETTINGS = """version: 1
model: openai:gpt-5-mini
limits: {turns: 3, tokens: 5, tool_seconds: 9}
settings: {temperature: 1.5, top_p: 0.5, timeout: 7, stream: false}
permissions: {deny: [create_file]}
"""


EDITS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("a comment", "version: 1\n", "version: 1  # the first\n", {}),
    ("the description", "Tells of things.", "Tells of everything.", {}),
    (
        "the instructions",
        "You know",
        "You know and tell",
        {"instructions": "You know and tell all about tea, at length 3."},
    ),
    (
        "a new model",
        "model: scripted:replies.yaml",
        "model: [local:coder-0.5b, openai:gpt-5-mini]",
        {"models": ["local:coder-0.5b", "openai:gpt-5-mini"]},
    ),
    ("no model", "model: scripted:replies.yaml\n", "", {}),
    ("an option of a tool", "[read_lines,", "[read_lines: {max_lines: 5},", {"uses": None}),
    (
        "another tool",
        "create_file]\npermissions",
        "create_file, grep_file]\npermissions",
        {"uses": None, "tools": None},
    ),
    ("a tool less", "[read_lines, create_file]", "[create_file]", {"uses": None, "tools": None}),
    ("permissions", "{allow: [create_file]}", "{deny: [create_file]}", {"policy": None}),
    ("a limit", "{turns: 7}", "{turns: 9}", {"limits": {"turns": 9}}),
    ("another limit", "{turns: 7}", "{turns: 7, seconds: 60}", {"limits": {"seconds": 60}}),
    ("a setting", "temperature: 0.5", "temperature: 0.9", {"settings": {"temperature": 0.9}}),
    ("a stop text", "seed: 1}", "seed: 1, stop: [END]}", {"settings": {"stop": ["END"]}}),
    ("the output", "{schema: {type: object}}", "{schema: {type: array}}", {"output_schema": {"type": "array"}}),
    ("free text", "output: {schema: {type: object}}\n", "", {"output_schema": None}),
    (
        "a default that was used",
        "default: 3",
        "default: 4",
        {"inputs": {"topic": "tea", "length": 4}, "instructions": "You know all about tea, at length 4."},
    ),
    (
        "a new input with a default",
        "inputs:\n",
        "inputs:\n  more: {type: boolean, default: true}\n",
        {"inputs": {"more": True, "topic": "tea", "length": 3}},
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
@pytest.mark.parametrize("settings", ["version: 1\n", OTHER_SETTINGS], ids=["same settings", "other settings"])
async def test_an_edit_changes_its_part_of_the_plan_alone(
    project: Project, plan: AgentPlan, old: str, new: str, expected: dict[str, Any], settings: str
) -> None:
    (project.root / "agentcli.yaml").write_text(settings)
    path = edited(project, old, new)
    with project.bench() as bench:
        after = await replan(bench, plan, path)
    found = changes(plan, after)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict) and name in ("limits", "settings"):
            assert found[name] == {**plan.to_json()[name], **value}
        elif value is not None:
            assert found[name] == value
    assert (after.source, after.path) == (path.read_text(), str(path))
    assert AgentPlan.from_json(after.to_json()) == after


@pytest.mark.parametrize("settings", ["version: 1\n", OTHER_SETTINGS])
async def test_the_same_text_is_the_same_plan_whatever_the_settings_are(
    project: Project, plan: AgentPlan, settings: str
) -> None:
    (project.root / "agentcli.yaml").write_text(settings)
    path = edited(project)
    with project.bench(model=["openai:gpt-5-mini"], yes=True, allow=["create_file"]) as bench:
        assert await replan(bench, plan, path) == replace(plan, path=str(path))
        assert await replan(bench, plan, bench.catalog.agent("tester")) == plan


async def test_what_the_edited_parts_say_is_what_a_new_run_would_go_by(project: Project, plan: AgentPlan) -> None:
    project.agent(text=edited(project, "[read_lines, create_file]", "[create_file, list_files: {}]").read_text())
    with project.bench() as bench:
        after = await replan(bench, plan, bench.catalog.agent("tester"))
    again = await recorded(project, (project.root / "agents" / "tester.yaml").read_text())
    assert changes(again, after) == {}


async def test_rules_of_the_edited_template_take_the_place_of_the_recorded_ones(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    after = await replan(bench, plan, edited(project, "{allow: [create_file]}", "{deny: [create_file]}"))
    assert [layer.name for layer in after.policy.layers] == [layer.name for layer in plan.policy.layers]
    spec = next(spec for spec in after.tools if spec.name == "create_file")
    decide = [each.policy.to_policy().decide(spec, {"path": "x"}).decision for each in (plan, after)]
    assert decide == ["ask", "deny"]  # the recorded project was not trusted


async def test_no_workspace_no_model_and_no_key_is_needed(project: Project) -> None:
    folder = project.root / "elsewhere"
    folder.mkdir()
    plan = await recorded(project, workspace=folder)
    shutil.rmtree(folder)
    (project.root / "replies.yaml").unlink()
    path = edited(project, "scripted:replies.yaml", "anthropic:claude-sonnet-4-5")
    path.write_text(path.read_text().replace("[read_lines,", "[read_lines, grep_file,"))
    with project.bench() as bench:
        after = await replan(bench, plan, path)
    assert changes(plan, after).keys() == {"models", "tools", "uses"}


async def test_the_edited_template_may_be_in_a_file_of_any_name(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    path = edited(project, "seed: 1", "seed: 2").rename(project.root / "try")
    assert changes(plan, await replan(bench, plan, path)).keys() == {"settings"}
    path.write_text(path.read_text().replace("name: tester", "name: other"))
    assert changes(plan, await replan(bench, plan, path)).keys() == {"settings", "agent"}


async def test_a_model_that_the_template_names_now_is_said_to_be_its_own(project: Project) -> None:
    text = TEMPLATE.replace("model: scripted:replies.yaml\n", "")
    (project.root / "agentcli.yaml").write_text("version: 1\nmodel: scripted:replies.yaml\n")
    plan = await recorded(project, text)
    with project.bench() as bench:
        after = await replan(bench, plan, edited(project))
    assert changes(plan, after) == {"model_reason": "named by the agent tester"}


async def test_a_model_of_the_command_line_stays(project: Project) -> None:
    plan = await recorded(project, model=["scripted:others.yaml"])
    with project.bench() as bench:
        after = await replan(bench, plan, edited(project, "scripted:replies.yaml", "openai:gpt-5-mini"))
    assert (after.models, changes(plan, after)) == (("scripted:others.yaml",), {})


async def test_a_recorded_description_of_a_tool_stays_beside_a_new_one(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    older = replace(plan, tools=tuple(replace(spec, description="As it was.") for spec in plan.tools))
    after = await replan(bench, older, edited(project, "create_file]\nperm", "create_file, grep_file]\nperm"))
    described = {spec.name: spec.description for spec in after.tools}
    assert (described["read_lines"], described["create_file"]) == ("As it was.", "As it was.")
    assert described["grep_file"] != "As it was."


async def test_instructions_that_a_fork_was_given_stay(project: Project, plan: AgentPlan, bench: Workbench) -> None:
    forked = replace(plan, instructions="Something else.", limits=replace(plan.limits, turns=2))
    after = await replan(bench, forked, edited(project, "temperature: 0.5", "temperature: 0.9"))
    assert (after.instructions, after.limits.turns) == ("Something else.", 2)


async def test_a_recorded_input_is_converted_where_it_is_declared_otherwise(project: Project, bench: Workbench) -> None:
    plan = await recorded(project, inputs={"topic": "7"})
    after = await replan(bench, plan, edited(project, "topic: {type: string}", "topic: {type: integer}"))
    assert changes(plan, after) == {"inputs": {"topic": 7, "length": 3}}


async def test_a_default_that_becomes_required_is_the_recorded_value(
    project: Project, plan: AgentPlan, bench: Workbench
) -> None:
    after = await replan(bench, plan, edited(project, "length: {type: integer, default: 3}", "length: {type: integer}"))
    assert changes(plan, after) == {}


async def test_an_input_that_is_gone_is_no_input(project: Project, plan: AgentPlan, bench: Workbench) -> None:
    path = edited(project, "  length: {type: integer, default: 3}\n", "")
    path.write_text(path.read_text().replace(", at length {{ inputs.length }}", ""))
    after = await replan(bench, plan, path)
    assert changes(plan, after) == {"inputs": {"topic": "tea"}, "instructions": "You know all about tea."}


async def test_an_output_that_depends_on_an_input_changes_with_it(project: Project, bench: Workbench) -> None:
    text = TEMPLATE.replace("{schema: {type: object}}", '{schema: "{{ inputs.shape }}"}').replace(
        "inputs:\n", "inputs:\n  shape: {type: object, default: {type: object}}\n"
    )
    plan = await recorded(project, text)
    path = edited(project, "default: {type: object}", "default: {type: array}", text=text)
    after = await replan(bench, plan, path)
    assert changes(plan, after).keys() == {"inputs", "output_schema"}
    assert after.output_schema == {"type": "array"}
    same = await replan(bench, plan, edited(project, "seed: 1", "seed: 2", text=text))
    assert same.output_schema == {"type": "object"}


async def test_a_secret_in_the_edited_template_becomes_a_placeholder(project: Project, plan: AgentPlan) -> None:
    secret = "pk-live-51H8xY2eZvKYlo2C"
    with project.bench({"PAYMENT_API_KEY": secret}) as bench:
        after = await replan(bench, plan, edited(project, "You know", f"With {secret} you know"))
    assert secret not in str(after.to_json())
    assert after.instructions.startswith("With <secret:payment_api_key:")


async def test_what_is_on_record_is_not_looked_through_for_todays_secrets(project: Project, plan: AgentPlan) -> None:
    with project.bench({"OTHER_API_KEY": "all about tea"}) as bench:
        after = await replan(bench, plan, edited(project, "seed: 1", "seed: 2"))
    assert (after.instructions, after.task) == (plan.instructions, plan.task)


async def test_a_cost_that_is_limited_now_needs_models_of_known_price(project: Project, plan: AgentPlan) -> None:
    with project.bench() as bench:
        free = await replan(bench, plan, edited(project, "{turns: 7}", "{turns: 7, cost_usd: 1}"))
        path = edited(project, "{turns: 7}", "{turns: 7, cost_usd: 1}")
        path.write_text(path.read_text().replace("scripted:replies.yaml", "openai:no-such-model"))
        unknown = await replan(bench, plan, path)
        back = await replan(bench, replace(unknown, source=path.read_text()), edited(project, "seed: 1", "seed: 2"))
    assert (free.unpriced, unknown.unpriced, back.unpriced) == ((), ("openai:no-such-model",), ())
