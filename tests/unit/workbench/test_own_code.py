"""Runs with people's own tools: recorded with their code, replayed without it, gone on with as it is now."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.config.places import user_places
from agentcli.config.trust import trust
from agentcli.core.canonical import decode
from agentcli.core.runs import RunQuery
from agentcli.errors import DefinitionError, DeniedError
from agentcli.workbench.agent_plan import AgentPlan
from agentcli.workbench.boundaries import Boundaries
from agentcli.workbench.diff_runs import diff_runs
from agentcli.workbench.fork_run import ForkRequest, fork_run, plan_fork
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.rerun import RerunRequest, rerun
from agentcli.workbench.resume_run import ResumeRequest, resume_run
from agentcli.workbench.run_stats import run_stats
from agentcli.workbench.statistics.groupings import Grouping
from tests.unit.tools.test_packages import install
from tests.unit.workbench.conftest import Project

AGENT = """version: 1
kind: agent
name: tester
model: scripted:replies.yaml
instructions: Be brief.
tools:
  - read_lines
  - python: tools/own.py
"""

SOURCE = """
from agentcli import tool
import helper

@tool(effects="read-only", version="2")
def greet(name: str, times: int = 1) -> str:
    \"\"\"Greet somebody.\"\"\"
    return " ".join([f"{helper.WORD} {name}"] * times)
"""

CHANGED = """
from agentcli.core.declaring import Declared
greet.__agentcli_tool__ = Declared("greet", effects="irreversible")
"""


def call(name: str, /, **arguments: object) -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


@pytest.fixture
def own(project: Project) -> Project:
    project.agent("", AGENT)
    (project.root / "tools").mkdir()
    source(project, SOURCE)
    (project.root / "tools" / "helper.py").write_text("WORD = 'hello'\n")
    project.script(call("greet", name="Ada"), "done")
    trust(user_places(dict(os.environ)), project.root)
    return project


def source(project: Project, text: str) -> None:
    (project.root / "tools" / "own.py").write_text(text)


def plan_of(project: Project, run: str) -> AgentPlan:
    with project.bench() as bench:
        return AgentPlan.from_json(decode(bench.journal.blob(bench.journal.find(run).start.manifest)))


async def test_the_manifest_holds_the_code_that_took_part(own: Project) -> None:
    outcome = await own.run()
    assert (outcome.status, own.seen.of("tool.completed")[0].result) == ("completed", "hello Ada")
    plan = plan_of(own, outcome.run)
    assert plan.code == (
        {"name": "tools/own.py", "text": SOURCE},
        {"name": "tools/helper.py", "text": "WORD = 'hello'\n"},
    )
    spec = plan.tools[1]
    assert (spec.name, spec.version, spec.source) == ("greet", "2", "tools/own.py")
    assert AgentPlan.from_json(plan.to_json()) == plan


async def test_a_replay_needs_no_code_and_no_trust(own: Project) -> None:
    outcome = await own.run()
    source(own, "raise SystemExit")
    (own.root / "tools" / "own.py").unlink()
    with own.bench() as bench:
        replayed = await replay_run(bench, outcome.run)
    assert (replayed.divergence, replayed.output) == (None, "done")


async def test_a_replay_under_an_edit_knows_the_recorded_tools_and_no_others(own: Project, tmp_path: Path) -> None:
    outcome = await own.run()
    edited = tmp_path / "edited.yaml"
    edited.write_text(AGENT.replace("  - read_lines\n", ""))
    source(own, "raise SystemExit")
    with own.bench() as bench, pytest.raises(DefinitionError) as caught:
        await replay_run(bench, outcome.run, template=edited)
    source(own, SOURCE)
    (own.root / "agents" / "edited.yaml").write_text(AGENT.replace("  - read_lines\n", ""))
    with own.bench() as bench:
        replayed = await replay_run(bench, outcome.run, template=own.root / "agents" / "edited.yaml")
        assert replayed.divergence is not None
        assert replayed.divergence.path == "$['tools'][0]['name']" or "tools" in replayed.divergence.path
    (own.root / "tools" / "new.py").write_text("from agentcli import tool\n@tool\ndef new() -> None: ...\n")
    (own.root / "agents" / "edited.yaml").write_text(AGENT + "  - python: tools/new.py\n")
    with own.bench() as bench, pytest.raises(DefinitionError) as caught:
        await replay_run(bench, outcome.run, template=own.root / "agents" / "edited.yaml")
    assert caught.value.code == "E-REPLAY-CODE"


async def test_going_on_runs_the_code_as_it_is_now_and_a_comparison_says_so(own: Project) -> None:
    first = await own.run()
    (own.root / "tools" / "helper.py").write_text("WORD = 'good morning'\n")
    with own.bench() as bench:
        forked = await fork_run(bench, ForkRequest(first.run, at=3), approver=Nobody(), sinks=[own.seen])
    assert own.seen.of("tool.completed")[-1].result == "good morning Ada"
    with own.bench() as bench:
        causes = [one for one in diff_runs(bench, first.run, forked.run).cause if one.aspect == "tools"]
    assert [(one.name, one.change) for one in causes] == [("code tools/helper.py text", "changed")]
    assert causes[0].text is not None


async def test_a_fork_that_is_only_planned_runs_nothing(own: Project) -> None:
    first = await own.run()
    source(own, "raise SystemExit")
    with own.bench() as bench:
        planned = await plan_fork(bench, ForkRequest(first.run, at=3))
    assert {"kind": "tool", "name": "greet"}.items() <= planned.live[-1].items() or planned.live


async def test_a_resumed_run_runs_the_code_as_it_is_now(own: Project) -> None:
    own.script(call("greet", name="Ada"), call("greet", name="Eve", times=2), "done")
    stopped = await own.run(limits={"turns": 1})
    assert stopped.status == "limited"
    source(own, SOURCE.replace("times: int = 1", "times: int = 3"))
    with own.bench() as bench:
        request = ResumeRequest(stopped.run, limits={"turns": 5})
        resumed = await resume_run(bench, request, approver=Nobody(), sinks=[own.seen])
    assert resumed.status == "completed"
    assert own.seen.of("tool.completed")[-1].result == "hello Eve hello Eve"
    assert set(own.seen.of("run.resumed")[0].changes) >= {"code"}


async def test_a_tool_that_does_more_now_than_was_allowed_stops_the_resumption(own: Project) -> None:
    stopped = await own.run(limits={"turns": 1})
    source(own, SOURCE.replace("read-only", "irreversible"))
    with own.bench() as bench, pytest.raises(DefinitionError) as caught:
        await resume_run(bench, ResumeRequest(stopped.run, limits={"turns": 5}), approver=Nobody())
    assert caught.value.code == "E-TOOL-CHANGED"
    with own.bench() as bench:
        assert [event.body.type for event in bench.journal.events(stopped.run)][-1] == "run.completed"


@pytest.mark.parametrize("live", ["greet", "read_lines"])
async def test_only_live_tools_bring_their_code_along(own: Project, live: str) -> None:
    first = await own.run()
    if live != "greet":
        source(own, "raise SystemExit")
    with own.bench() as bench:
        bounds = Boundaries(live=frozenset({live}))
        again = await rerun(bench, RerunRequest(first.run, bounds), approver=Nobody(), sinks=[own.seen])
    assert (again.status, own.seen.of("tool.completed")[-1].result) == ("completed", "hello Ada")
    assert plan_of(own, again.run).code


async def test_what_is_deprecated_is_said_once_and_replayed(own: Project) -> None:
    source(own, SOURCE.replace('version="2"', 'deprecated="use say"'))
    outcome = await own.run()
    (warning,) = own.seen.of("warning")
    assert (warning.code, warning.what) == ("W-TOOL-DEPRECATED", "The tool `greet` is deprecated: Use say.")
    with own.bench() as bench:
        assert (await replay_run(bench, outcome.run)).divergence is None


async def test_what_came_from_the_cache_is_on_record_and_in_the_statistics(own: Project) -> None:
    source(own, SOURCE.replace('version="2"', "cache_ttl=3600, rate_limit='5/s'"))
    own.script(call("greet", name="Ada"), call("greet", name="Ada"), "done")
    outcome = await own.run()
    first, second = own.seen.of("tool.completed")
    assert (first.result, first.how) == (second.result, {})
    assert set(second.how) == {"cached_s"}
    with own.bench() as bench:
        assert (await replay_run(bench, outcome.run)).divergence is None
        (row,) = run_stats(bench, RunQuery(), [Grouping.TOOL]).groups[Grouping.TOOL]
    assert (row.to_json()["calls"], row.to_json()["cached"], row.to_json()["retries"]) == (2, 1, 0)


async def test_a_secret_in_the_code_stays_out_of_the_record(own: Project) -> None:
    secret = "pk-live-51H8xY2eZvKYlo2C"
    source(own, SOURCE + f"KEY = '{secret}'\n")
    outcome = await own.run(environ={"PAYMENT_API_KEY": secret})
    assert outcome.status == "completed"
    files = [path for path in (own.root / ".agentcli").rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


async def test_no_own_tool_is_given_a_secret_that_the_run_knows(own: Project) -> None:
    secret = "pk-live-51H8xY2eZvKYlo2C"
    source(own, SOURCE.replace("read-only", "irreversible"))
    (own.root / "a.txt").write_text(f"the key is {secret}\n")
    own.script(call("read_lines", path="a.txt"), "seen")
    environ = {"PAYMENT_API_KEY": secret}
    await own.run(environ=environ)
    placeholder = own.seen.of("tool.completed")[0].result.removeprefix("1: the key is ")
    own.script(call("greet", name=placeholder), "done")
    await own.run(environ=environ, yes=True)
    assert own.seen.of("tool.completed")[-1].status == "denied"
    assert "E-TOOL-SECRET" in own.seen.of("tool.completed")[-1].result


async def test_a_call_past_the_limit_of_the_run_is_stopped_and_the_next_one_works(own: Project) -> None:
    body = "    if times == 2:\n        import threading; threading.Event().wait()\n    return name\n"
    source(own, SOURCE.partition("    return")[0] + body)
    own.script(call("greet", name="Ada", times=2), call("greet", name="Eve"), "done")
    outcome = await own.run(limits={"tool_seconds": 2})
    assert [body.status for body in own.seen.of("tool.completed")] == ["timeout", "ok"]
    assert outcome.status == "completed"


async def test_what_may_have_happened_when_the_process_ended_is_left_in_doubt(own: Project) -> None:
    body = "    import os; os._exit(1)\n"
    source(own, SOURCE.replace("read-only", "irreversible").partition("    return")[0] + body)
    outcome = await own.run(yes=True)
    assert (outcome.status, outcome.error and outcome.error.code) == ("denied", "E-RUN-IN-DOUBT")
    source(own, SOURCE.replace("read-only", "irreversible"))
    with own.bench(yes=True) as bench:
        request = ResumeRequest(outcome.run, in_doubt="retry")
        resumed = await resume_run(bench, request, approver=Nobody(), sinks=[own.seen])
    assert (resumed.status, own.seen.of("tool.completed")[-1].result) == ("completed", "hello Ada")


async def test_the_trace_of_a_failure_is_on_record_and_not_told_to_the_model(own: Project) -> None:
    source(own, SOURCE.partition("    return")[0] + "    raise ValueError(name)\n")
    await own.run()
    (failed,) = own.seen.of("tool.completed")
    assert failed.result.startswith("E-TOOL-FAILED: `greet` failed: ValueError: Ada. It was at tools/own.py:8.")
    assert "Traceback" not in failed.result
    assert "raise ValueError(name)" in failed.data["traceback"]


async def test_a_package_brings_its_tool(own: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    install(site, "demo_weather", "weather = demo_weather.tools:weather")
    monkeypatch.syspath_prepend(site)
    own.agent("", AGENT.replace("python: tools/own.py", "weather: {rate_limit: 10/min}"))
    own.script(call("weather", city="Rome"), "done")
    outcome = await own.run(environ={"PYTHONPATH": str(site)})
    assert own.seen.of("tool.completed")[0].result == "fine in Rome"
    assert plan_of(own, outcome.run).tools[1].source == "package demo_weather 1.0"
    with own.bench() as bench:
        assert (await replay_run(bench, outcome.run)).divergence is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SOURCE.replace("greet", "read_lines"), "E-TEMPLATE-TOOL-NAME"),
        (SOURCE + "x = = 1", "E-TOOL-SYNTAX"),
        (SOURCE.replace('version="2"', "retries=1").replace("read-only", "irreversible"), "E-TOOL-DECLARATION"),
        (SOURCE + CHANGED, "E-TOOL-DECLARATION"),
        (SOURCE + "import no_such_module", "E-TOOL-IMPORT"),
        (SOURCE.replace("@tool", "#"), "E-TOOL-NONE"),
    ],
)
async def test_what_is_wrong_in_a_file_is_told_before_there_is_a_run(own: Project, text: str, code: str) -> None:
    source(own, text)
    with pytest.raises(DefinitionError) as caught:
        await own.run()
    assert caught.value.code == code
    assert caught.value.info.line
    with own.bench() as bench:
        assert bench.journal.runs(RunQuery()) == []


async def test_a_template_outside_runs_code_only_when_it_is_trusted_by_name(own: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "tools").mkdir(parents=True)
    (outside / "tester.yaml").write_text(AGENT)
    (outside / "tools" / "own.py").write_text(SOURCE.replace("import helper", "class helper: WORD = 'out'"))
    changes: dict[str, Any] = {"agent": str(outside / "tester.yaml"), "model": [f"scripted:{own.root}/replies.yaml"]}
    with pytest.raises(DeniedError) as caught:
        await own.run(**changes)
    assert caught.value.code == "E-TOOL-UNTRUSTED"
    outcome = await own.run(trust=True, **changes)
    assert (outcome.status, own.seen.of("tool.completed")[0].result) == ("completed", "out Ada")
