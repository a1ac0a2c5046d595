"""Custom agents whose runs failed, were killed, or changed files: what counts, what is run anew, what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agentcli.core.agents import Permissions
from agentcli.core.events import CodeCompleted
from agentcli.core.policies import Layer, Policy
from agentcli.errors import DeniedError, ErrorInfo, RunError
from tests.fakes.coded import ALLOWED, CodeRig, GeneratedCode, Said, Steps, ask, call, ends, gives, same, say
from tests.fakes.engine import Answering, answer, says
from tests.fakes.engine import Said as Answered

RAISED = ErrorInfo("E-CODE-RAISED", "The agent's code raised KeyError.", "'x'.", "Correct it.", "a.yaml", 7, 3)


async def test_code_that_fails_is_run_again_and_given_what_it_was_given() -> None:
    write = says("write", "written", effects="irreversible")
    failing = gives(call("write"), ask("a"), end=CodeCompleted(None, RAISED))
    first = CodeRig(failing, [answer("red")], [write], policy=ALLOWED)
    outcome = await first.run()
    assert (outcome.exit_code, outcome.error) == (1, RAISED)
    assert same(await first.replayed(), outcome)
    second = CodeRig(gives(call("write"), ask("a")), [], [write], policy=ALLOWED, text="mended").gone_on(first)
    outcome = await second.run()
    assert outcome.output == [{"value": "written"}, {"value": "red"}]
    assert (len(write.called), second.provider.requests) == (1, [])
    assert second.code.told[0]["code"] == "mended"
    assert same(await second.replayed(), outcome)


async def test_a_run_that_was_killed_goes_on_from_any_event() -> None:
    steps = gives(call("write"), ask("a"), say("b"), end=ends("done", "a.txt"))
    whole = CodeRig(steps, [answer("red")], [says("write", "written", effects="irreversible")], policy=ALLOWED)
    wanted = await whole.run()
    for cut in range(1, len(whole.recorded()) - 1):
        in_flight = whole.recorded()[cut - 1].body.type == "tool.started"
        write = says("write", "written", effects="irreversible")
        rig = CodeRig(steps, [answer("red")], [write], policy=ALLOWED).gone_on(whole, cut)
        outcome = await rig.run()
        if in_flight:
            assert outcome.error is not None
            assert outcome.error.code == "E-RUN-IN-DOUBT"
            continue
        done = [event.body.tool for event in whole.recorded()[:cut] if event.body.type == "tool.completed"]
        assert same(outcome, wanted), cut
        assert (len(write.called), rig.code.kept) == ("write" not in done, "keep_files" not in done)
        assert same(await rig.replayed(), outcome)


@pytest.mark.parametrize(
    ("other", "did"),
    [
        (gives(call("send")), "called `send`"),
        (gives(ask("a")), "asked a model"),
        (gives(say("a")), "said a line"),
        (gives(end=ends(1)), "ended"),
        (gives(end=CodeCompleted(None, RAISED)), "failed (E-CODE-RAISED)"),
    ],
)
async def test_code_that_now_asks_for_something_else_ends_before_anything_happens(other: Steps, did: str) -> None:
    write, send = says("write", "written", effects="irreversible"), says("send", "sent")
    first = CodeRig(gives(call("write"), end=CodeCompleted(None, RAISED)), tools=[write], policy=ALLOWED)
    await first.run()
    second = CodeRig(other, [answer()], [write, send], policy=ALLOWED).gone_on(first)
    outcome = await second.run()
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (1, "E-CODE-DIFFERENT")
    assert f"On record it called `write`; now it {did}." in outcome.error.why
    assert (len(write.called), send.called, second.provider.requests) == (1, [], [])
    assert same(await second.replayed(), outcome)


async def test_no_sandbox_is_denied_and_resumed_where_there_is_one() -> None:
    class Unconfined(GeneratedCode):
        async def tell(self, message: Mapping[str, Any]) -> Said:
            raise DeniedError("E-SANDBOX-NONE", "There is no sandbox.", why="None.", fix="Get one.")

    first = CodeRig(gives(say("a")))
    first.code = Unconfined(first.steps)
    outcome = await first.run()
    assert (outcome.exit_code, outcome.status, outcome.error and outcome.error.code) == (5, "denied", "E-SANDBOX-NONE")
    assert same(await first.replayed(), outcome)
    assert (await CodeRig(gives(say("a"))).gone_on(first).run()).status == "completed"
    begun = CodeRig(gives(say("a"), end=CodeCompleted(None, RAISED)))
    await begun.run()
    again = CodeRig(gives(say("a"))).gone_on(begun)
    again.code = Unconfined(again.steps)
    assert (await again.run()).error == outcome.error


async def test_a_workspace_that_cannot_be_copied_fails_the_run() -> None:
    class Uncopied(GeneratedCode):
        async def tell(self, message: Mapping[str, Any]) -> Said:
            raise RunError("E-CODE-WORKSPACE", "It could not be copied.", why="It is large.", fix="Take another.")

    rig = CodeRig(gives())
    rig.code = Uncopied(rig.steps)
    assert (await rig.run()).exit_code == 1


# -- files ----------------------------------------------------------------------------------------------------------

WRITES = gives(end=ends("done", "a.txt", "b/c.txt"))


async def test_files_are_kept_once_they_are_allowed_with_what_would_change_shown() -> None:
    rig = CodeRig(WRITES, approver=Answering([Answered("once")]))
    outcome = await rig.run()
    assert (outcome.output, rig.code.kept) == ("done", 1)
    assert rig.approver.previews == ["+ what the code wrote"]
    (done,) = rig.seen.of("tool.completed")
    assert (done.tool, done.status, [touch.path for touch in done.files]) == ("keep_files", "ok", ["a.txt"])
    assert same(await rig.replayed(), outcome)


@pytest.mark.parametrize("pattern", ["keep_files", "keep_files(b/**)", "keep_files(a.txt)"])
async def test_a_rule_for_one_of_the_files_denies_all_of_them(pattern: str) -> None:
    policy = Policy([Layer("agent", Permissions(allow=("keep_files",))), Layer("user", Permissions(deny=(pattern,)))])
    rig = CodeRig(WRITES, policy=policy)
    outcome = await rig.run()
    assert (outcome.output, outcome.exit_code, rig.code.kept) == ("done", 0, 0)
    assert [warning.code for warning in rig.seen.of("warning")] == ["W-CODE-FILES"]
    assert same(await rig.replayed(), outcome)


@pytest.mark.parametrize(("pattern", "kept"), [("keep_files(**)", 1), ("keep_files(a.txt)", 0)])
async def test_files_are_allowed_by_a_pattern_that_covers_all_of_them(pattern: str, kept: int) -> None:
    rig = CodeRig(WRITES, policy=Policy([Layer("agent", Permissions(allow=(pattern,)))]))
    outcome = await rig.run()
    assert (outcome.exit_code, rig.code.kept) == (0 if kept else 5, kept)


async def test_where_nobody_could_be_asked_about_files_the_code_is_brought_to_its_end_again() -> None:
    first = CodeRig(gives(say("a"), end=ends("done", "a.txt")))
    assert ((await first.run()).exit_code, first.code.kept) == (5, 0)
    second = CodeRig(gives(say("a"), end=ends("done", "a.txt")), policy=ALLOWED).gone_on(first)
    outcome = await second.run()
    assert (outcome.output, second.code.kept, len(second.code.told)) == ("done", 1, 2)
    assert same(await second.replayed(), outcome)


async def test_files_of_code_that_does_not_come_to_its_end_again_are_not_kept() -> None:
    first = CodeRig(gives(say("a"), end=ends("done", "a.txt")))
    await first.run()
    other = gives(say("a"), end=ends("done", "a.txt", "b.txt"))
    second = CodeRig(other, approver=Answering([Answered("once")])).gone_on(first)
    outcome = await second.run()
    assert (outcome.output, second.code.kept) == ("done", 0)
    assert second.seen.of("tool.completed")[0].result.startswith("E-CODE-DIFFERENT")
    assert "does not do what it did" in str(second.approver.previews)
    assert same(await second.replayed(), outcome)


async def test_files_of_which_nobody_knows_whether_they_were_kept_are_not_kept_again() -> None:
    first = CodeRig(WRITES, policy=ALLOWED)
    await first.run()
    (begun,) = [event.seq for event in first.recorded() if event.body.type == "tool.started"]
    second = CodeRig(WRITES, policy=ALLOWED).gone_on(first, begun)
    outcome = await second.run()
    assert (outcome.exit_code, outcome.error and outcome.error.code, second.code.kept) == (5, "E-RUN-IN-DOUBT", 0)
