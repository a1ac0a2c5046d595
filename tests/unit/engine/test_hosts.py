"""Tools that one host may lead to another: what is asked once, remembered, admitted, and never sent along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentcli.core.agents import Permissions
from agentcli.core.policies import Layer, Policy
from agentcli.core.tools import Effects, ToolResult, ToolSpec
from agentcli.engine.playback import Playback
from agentcli.engine.ports import Admits
from agentcli.engine.recording import Recording
from tests.fakes.engine import Answering, MarkingRedactor, Rig, Said, answer, calls

NEXT = "https://next.example/"


@dataclass
class Web:
    """A tool over hosts; every call asks whether it may go on to NEXT."""

    effects: Effects = "read-only"
    admitted: list[bool] = field(default_factory=list)
    called: list[Mapping[str, Any]] = field(default_factory=list)
    name: str = "fetch"

    @property
    def spec(self) -> ToolSpec:
        reads = self.effects == "read-only"
        return ToolSpec(
            self.name, "", {"type": "object"}, self.effects, "url", subject_kind="host", asks_per_subject=reads
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        raise AssertionError("it is called within bounds")

    async def call_within(self, arguments: Mapping[str, Any], admits: Admits) -> ToolResult:
        self.called.append(arguments)
        self.admitted.append(admits(NEXT))
        return ToolResult("page")


def rig(*urls: str, tool: Web | None = None, **ports: Any) -> tuple[Rig, Web]:
    made = tool or Web()
    replies = [*(calls(("fetch", {"url": url})) for url in urls), answer()]
    tools: Any = [made]
    return Rig(replies, tools, **ports), made


async def test_each_host_is_asked_for_once_in_a_run_and_always_holds_for_it_alone() -> None:
    approver = Answering([Said("always"), Said("once"), Said("once")])
    urls = ("https://a.example/1", "https://a.example/2", "https://b.example/", "https://b.example/")
    made, _ = rig(*urls, approver=approver)
    assert (await made.run()).status == "completed"
    assert len(approver.asked) == 3
    asked = [body.arguments["url"] for body in made.seen.of("approval.requested")]
    assert asked == ["https://a.example/1", "https://b.example/", "https://b.example/"]


async def test_where_nobody_can_be_asked_the_error_names_the_host_to_allow() -> None:
    made, tool = rig("https://a.example/")
    outcome = await made.run()
    assert (outcome.status, tool.called) == ("denied", [])
    assert outcome.error is not None
    assert outcome.error.fix.startswith("Pass `--yes` or `--allow 'fetch(a.example)'`")


async def test_a_redirect_goes_on_only_where_the_rules_or_the_person_allow_that_host() -> None:
    made, tool = rig("https://a.example/", policy=Policy(allow=["fetch(a.example)"]))
    await made.run()
    made, allowed = rig("https://a.example/", policy=Policy(allow=["fetch(*.example)"]))
    await made.run()
    approver = Answering([Said("always"), Said("once")])
    made, approved = rig(NEXT, "https://a.example/", approver=approver)
    await made.run()
    deny = Layer("user", Permissions(deny=("fetch(next.example)",)))
    made, denied = rig("https://a.example/", policy=Policy([deny], yes=True))
    await made.run()
    assert (tool.admitted, allowed.admitted, approved.admitted, denied.admitted) == (
        [False],
        [True],
        [True, True],
        [False],
    )


async def test_what_cannot_be_taken_back_is_asked_every_time_also_for_the_same_host() -> None:
    approver = Answering([Said("always"), Said("once")])
    made, tool = rig("https://a.example/", "https://a.example/", tool=Web("irreversible"), approver=approver)
    await made.run()
    assert approver.asked == ["fetch", "fetch"]
    assert tool.admitted == [False, False]


async def test_no_secret_is_taken_to_a_host_not_even_by_a_tool_that_changes_something() -> None:
    for effects in ("read-only", "idempotent", "irreversible"):
        tool = Web(effects)
        tools: Any = [tool]
        made = Rig(
            [calls(("fetch", {"url": "https://a.example/", "body": "<secret:key>"})), answer()],
            tools,
            redactor=MarkingRedactor({"key": "s3cr3t"}),
            policy=Policy(yes=True),
        )
        await made.run()
        (result,) = made.seen.of("tool.completed")
        assert (result.status, result.result.split(":")[0]) == ("denied", "E-TOOL-SECRET")
        assert tool.called == []


async def test_a_replay_remembers_what_was_approved_and_calls_nothing() -> None:
    urls = ("https://a.example/1", "https://a.example/2")
    made, _ = rig(*urls, approver=Answering([Said("always")]))
    await made.run()
    again, tool = rig(*urls)
    again.playback = Playback(Recording(made.recorded(), lambda event: event.seq), "refuse")
    outcome = await again.run()
    assert (outcome.status, tool.called, again.approver.asked) == ("completed", [], [])
