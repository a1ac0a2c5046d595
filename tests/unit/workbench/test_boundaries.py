"""What answers a run that is carried out anew: a model and tools that give each recorded answer once."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.engine.lifecycle import RunOutcome
from agentcli.errors import UsageError
from agentcli.workbench.boundaries import Boundaries
from agentcli.workbench.going_on import plan_on
from agentcli.workbench.recorded_run import read_run
from agentcli.workbench.rerun import RerunRequest, rerun
from tests.fakes.engine import Seen
from tests.unit.workbench.conftest import Project

READ = {"tool_calls": [{"name": "read_lines", "arguments": {"path": "a.txt"}}]}
READ_LATER = {"tool_calls": [{"name": "read_lines", "arguments": {"path": "a.txt", "start": "1"}}]}
WRITE = {"tool_calls": [{"name": "create_file", "arguments": {"path": "b.txt", "content": "b"}}]}


async def again(project: Project, bounds: Boundaries, **options: Any) -> RunOutcome:
    project.seen = Seen()
    with project.bench(**options) as bench:
        return await rerun(bench, RerunRequest("last", bounds), approver=Nobody(), sinks=[project.seen])


async def test_with_nothing_live_it_is_the_same_run_again(project: Project) -> None:
    project.script(READ, WRITE, "done")
    before = await project.run(yes=True)
    (project.root / "b.txt").unlink()
    after = await again(project, Boundaries())
    assert (after.status, after.output, after.usage, after.turns) == ("completed", "done", before.usage, before.turns)
    assert after.cost_usd == 0.0
    assert not (project.root / "b.txt").exists()


async def test_arguments_that_mean_the_same_are_the_same_call(project: Project) -> None:
    project.script(READ, "done")
    await project.run()
    project.script(READ_LATER, "done")
    assert (await again(project, Boundaries(model=True))).output == "done"


async def test_a_call_that_was_refused_is_refused_again_without_its_rule(project: Project) -> None:
    project.agent("permissions: {deny: [create_file]}\n")
    project.script(WRITE, "done")
    await project.run()
    outcome = await again(project, Boundaries())
    assert (outcome.output, outcome.error) == ("done", None)


async def test_a_model_that_had_failed_fails_again(project: Project) -> None:
    project.script(READ)
    first = await project.run()
    second = await again(project, Boundaries())
    assert first.error is not None
    assert second.error is not None
    assert (second.exit_code, second.error.code) == (first.exit_code, first.error.code) == (7, first.error.code)


def test_a_tool_that_the_run_did_not_have_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        Boundaries(mocked={"x": "y"}).answered(())
    assert caught.value.info.why == "It had none."


async def test_what_is_gone_on_with_is_not_answered_any_more(project: Project) -> None:
    """An answered tool needs no permission; that must not hold where it is executed again."""
    project.script(WRITE, "done")
    await project.run(yes=True)
    await again(project, Boundaries())
    with project.bench() as bench:
        plan = read_run(bench, "last").plans[-1]
        assert plan.policy.answered == {"read_lines": "recorded", "create_file": "recorded"}
        assert plan_on(bench, plan, {}).policy.answered == {}


# -- a secret that is called otherwise than it was -------------------------------------------------------------------

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
KNOWN = {"DEPLOY_API_KEY": TOKEN}


def keep(path: str) -> dict[str, Any]:
    return {"tool_calls": [{"name": "create_file", "arguments": {"path": path, "content": f"it is {TOKEN}"}}]}


def said(project: Project) -> str:
    """All that the record of the last run says."""
    with project.bench() as bench:
        return "\n".join(str(event.body.to_json()) for event in read_run(bench, "last").events)


async def test_a_request_is_answered_whatever_its_secrets_were_called(project: Project) -> None:
    (project.root / "a.txt").write_text(f"token: {TOKEN}\n")
    project.script(READ, READ_LATER, "done")
    await project.run()
    assert "deploy_api_key" not in said(project)
    outcome = await again(project, Boundaries(live=frozenset({"read_lines"})), environ=KNOWN)
    assert (outcome.output, outcome.error) == ("done", None)
    assert "<secret:deploy_api_key:" in said(project)


async def test_a_call_is_answered_whatever_its_secrets_were_called(project: Project) -> None:
    project.script(keep("b.txt"), "done")
    await project.run(yes=True)
    assert "deploy_api_key" not in said(project)
    outcome = await again(project, Boundaries(model=True), environ=KNOWN)
    assert (outcome.output, outcome.error) == ("done", None)
    assert "<secret:deploy_api_key:" in said(project)


async def test_another_secret_is_another_request(project: Project) -> None:
    (project.root / "a.txt").write_text(f"token: {TOKEN}\n")
    project.script(READ, "done")
    await project.run()
    (project.root / "a.txt").write_text(f"token: {TOKEN[::-1]}\n")
    bounds = Boundaries(live=frozenset({"read_lines"}))
    with project.bench({"DEPLOY_API_KEY": TOKEN[::-1]}) as bench:
        request = RerunRequest("last", bounds, files="current")
        outcome = await rerun(bench, request, approver=Nobody(), sinks=[project.seen])
    assert outcome.error is not None
    assert outcome.error.code == "E-REPLAY-DIFFERENT"


async def test_what_differs_is_never_what_a_secret_is_called(project: Project) -> None:
    project.script(keep("b.txt"), "done")
    await project.run(yes=True)
    project.script(keep("c.txt"), "done")
    outcome = await again(project, Boundaries(model=True), environ=KNOWN)
    assert outcome.error is not None
    assert "$['arguments']['path']" in outcome.error.why
