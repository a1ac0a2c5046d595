"""Running an agent: what is decided at the start, what is on record, what never reaches the disk."""

from __future__ import annotations

import asyncio

import pytest

from agentcli.core.canonical import decode
from agentcli.core.runs import RunQuery
from agentcli.errors import DeniedError, UsageError
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.list_runs import list_runs
from agentcli.workbench.show_run import show_run
from tests.unit.workbench.conftest import AGENT, Project

SECRET = "pk-live-51H8xY2eZvKYlo2C"


def call(name: str, **arguments: object) -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


async def test_a_run_is_listed_and_shown_as_it_went(project: Project) -> None:
    project.script(call("read_lines", path="a.txt"), "It says hello.")
    outcome = await project.run()
    assert (outcome.status, outcome.output) == ("completed", "It says hello.")
    with project.bench() as bench:
        (row,) = list_runs(bench, RunQuery())
        view = show_run(bench, "last")
    assert (row.start.id, row.status, row.start.name) == (outcome.run, "completed", "tester")
    assert [event.body for event in view.events] == [
        event.body for event in project.seen.events if event.body.type != "model.delta"
    ]


async def test_the_manifest_is_the_plan_and_the_plan_survives_it(project: Project) -> None:
    project.agent("inputs: {topic: {type: string}}\nlimits: {turns: 7}\npermissions: {deny: [create_file]}\n")
    outcome = await project.run(inputs={"topic": "files"}, limits={"seconds": 60})
    with project.bench() as bench:
        row = bench.journal.find(outcome.run)
        manifest = decode(bench.journal.blob(row.start.manifest))
    plan = AgentPlan.from_json(manifest)
    assert plan.to_json() == manifest
    assert (plan.limits.turns, plan.limits.seconds, plan.inputs) == (7, 60, {"topic": "files"})
    assert plan.source.endswith("permissions: {deny: [create_file]}\n")
    verdict = plan.policy.to_policy().decide(plan.tools[1], {"path": "x", "content": ""})
    assert verdict.decision == "deny"


async def test_instructions_and_attachments_reach_the_model(project: Project) -> None:
    about = AGENT.replace("Be brief.", "'You know all about {{ inputs.topic }}.'")
    project.agent("inputs: {topic: {type: string}}\n", about)
    await project.run("Sum it up.", inputs={"topic": "tea"}, attachments=[("notes.txt", "green\n")])
    with project.bench() as bench:
        system, user = bench.journal.conversation(project.seen.events[0].run, 3)
    assert system.content == "You know all about tea."
    assert user.content == 'Sum it up.\n\n<file name="notes.txt">\ngreen\n</file>'


async def test_no_secret_of_the_environment_is_on_disk_wherever_it_came_in(project: Project) -> None:
    (project.root / "a.txt").write_text(f"the key is {SECRET}\n")
    project.script(call("read_lines", path="a.txt"), f"It is {SECRET}.")
    outcome = await project.run(f"Is it {SECRET}?", environ={"PAYMENT_API_KEY": SECRET})
    assert SECRET not in str(outcome.output)
    state = project.root / ".agentcli"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in str([event.to_json() for event in project.seen.events])


async def test_continuing_goes_on_with_what_was_said(project: Project) -> None:
    first = await project.run("My name is Ada.")
    project.script("hello", "Ada.")
    second = await project.run("What is my name?", continue_last=True)
    assert second.output == "Ada."
    with project.bench() as bench:
        row = bench.journal.find(second.run)
        said = bench.journal.conversation(second.run, 3)
    assert (row.start.parent, row.start.relation) == (first.run, "session")
    assert [(message.role, message.content) for message in said[1:]] == [
        ("user", "My name is Ada."),
        ("assistant", "done"),
        ("user", "What is my name?"),
    ]


async def test_continuing_without_a_name_stays_with_the_agent_and_its_inputs(project: Project) -> None:
    about = AGENT.replace("Be brief.", "'You know all about {{ inputs.topic }}.'")
    project.agent("inputs: {topic: {type: string}}\n", about)
    await project.run("Hello.", inputs={"topic": "tea"})
    project.script("hello", "again")
    second = await project.run("And?", agent=None, continue_last=True)
    with project.bench() as bench:
        row = bench.journal.find(second.run)
        system, *_ = bench.journal.conversation(second.run, 3)
    assert (row.start.name, system.content) == ("tester", "You know all about tea.")


async def test_continuing_when_the_agent_is_gone_goes_on_with_the_settings_one(project: Project) -> None:
    await project.run("Hello.")
    (project.root / "agents" / "tester.yaml").unlink()
    project.script("hello", "again")
    second = await project.run("And?", agent=None, continue_last=True, model=["scripted:replies.yaml"])
    with project.bench() as bench:
        assert bench.journal.find(second.run).start.name == "assistant"


async def test_there_must_be_a_conversation_to_continue(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        await project.run(continue_last=True)
    assert caught.value.code == "E-RUN-NONE"


async def test_a_disabled_agent_refuses_to_run(project: Project) -> None:
    project.agent("enabled: false\n")
    with pytest.raises(DeniedError) as caught:
        await project.run()
    assert (caught.value.code, caught.value.exit_code) == ("E-AGENT-DISABLED", 5)


async def test_a_change_that_nobody_allows_ends_the_run_as_denied_and_changes_nothing(project: Project) -> None:
    project.script(call("create_file", path="new.txt", content="x"), "done")
    outcome = await project.run()
    assert (outcome.status, outcome.exit_code) == ("denied", 5)
    assert not (project.root / "new.txt").exists()


@pytest.mark.parametrize("options", [{"yes": True}, {"allow": ["create_file(*.txt)"]}])
async def test_a_flag_answers_the_ask(project: Project, options: dict[str, object]) -> None:
    project.script(call("create_file", path="new.txt", content="x"), "made")
    outcome = await project.run(**options)
    assert (outcome.output, (project.root / "new.txt").read_text()) == ("made", "x")


async def test_yes_lifts_no_deny(project: Project) -> None:
    project.agent("permissions: {deny: [create_file]}\n")
    project.script(call("create_file", path="new.txt", content="x"), "I may not.")
    outcome = await project.run(yes=True)
    assert outcome.output == "I may not."
    assert [done.status for done in project.seen.of("tool.completed")] == ["denied"]


async def test_what_an_untrusted_project_allows_is_asked(project: Project) -> None:
    project.agent("permissions: {allow: [create_file]}\n")
    project.script(call("create_file", path="new.txt", content="x"), "made")
    assert (await project.run()).exit_code == 5
    assert (await project.run(trust=True)).exit_code == 0


async def test_a_cost_limit_with_an_unknown_price_is_refused_before_the_call(project: Project) -> None:
    (project.root / "agentcli.yaml").write_text(
        "version: 1\nproviders: {mine: {base_url: 'https://models.example.org/v1'}}\n"
    )
    project.agent("limits: {cost_usd: 0.5}\n")
    outcome = await project.run(model=["mine:secret-model"])
    assert (outcome.status, outcome.exit_code) == ("limited", 4)
    assert outcome.error is not None
    assert outcome.error.code == "E-LIMIT-COST-UNKNOWN"
    assert "model.started" not in project.seen.types()


@pytest.mark.parametrize("limits", [{"turn": 3}, {"turns": 0}, {"seconds": -1}])
async def test_a_limit_that_is_none_is_a_usage_error(project: Project, limits: dict[str, float]) -> None:
    with pytest.raises(UsageError) as caught:
        await project.run(limits=limits)
    assert caught.value.code == "E-USAGE-LIMIT"


async def test_two_runs_at_once_are_both_recorded(project: Project) -> None:
    outcomes = await asyncio.gather(*(project.run(f"task {number}") for number in range(4)))
    assert {outcome.status for outcome in outcomes} == {"completed"}
    with project.bench() as bench:
        assert len(list_runs(bench, RunQuery())) == 4
