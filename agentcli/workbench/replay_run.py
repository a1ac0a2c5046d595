"""Replay a run: the same again from its record alone, every request and the result compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agentcli.core.events import Event, RunCompleted, Warned
from agentcli.core.runs import RunRow, RunStatus
from agentcli.core.values import value
from agentcli.engine.ports import EventSink
from agentcli.engine.recording import Recording, first_difference
from agentcli.errors import DivergenceError, ErrorInfo
from agentcli.workbench.agent_run import terms_of
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.recorded_run import Recorded, no_conversation, read_any_verified, recording_of
from agentcli.workbench.rehearse import Rehearsed, rehearse
from agentcli.workbench.workflow_plan import WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.carrying import Plan
    from agentcli.workbench.estimate import Estimate
    from agentcli.workbench.wiring import Workbench

RESULT = ("status", "output", "error", "usage", "cost_usd", "turns", "exit_code")
"""The fields of `run.completed` that a replay must come to again; how long it took is not one of them."""


@value(frozen=True, slots=True)
class Divergence:
    """The first place where the run is not the recorded one: the event `at`, the JSON path, both values."""

    error: ErrorInfo
    at: int | None
    turn: int | None
    lane: str
    path: str
    recorded: Any
    current: Any

    def to_json(self) -> dict[str, Any]:
        """The contract's `divergence` fields, with the error and the place."""
        out = {name: getattr(self, name) for name in ("at", "turn", "lane", "path", "recorded", "current")}
        return {**out, "error": self.error.to_json()}


@value(frozen=True, slots=True)
class Replayed:
    """What a replay found.

    `results` are the recorded results that count, `answered` those that the run asked for again. `whole` says whether
    the record has an end; where not, or where the run was stopped, the replay goes as far as it went. `estimate` is
    what going on live from the divergence would take, if asked with a template.
    """

    row: RunRow
    events: int
    results: int
    answered: int
    contents: int
    whole: bool
    status: RunStatus
    output: Any
    error: ErrorInfo | None
    divergence: Divergence | None
    estimate: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "run": self.row.start.id,
            "same": self.divergence is None,
            "whole": self.whole,
            "events": self.events,
            "results": self.results,
            "answered": self.answered,
            "contents": self.contents,
            "status": self.status,
            "output": self.output,
            "error": self.error.to_json() if self.error else None,
            "divergence": self.divergence.to_json() if self.divergence else None,
            "estimate": self.estimate.to_json() if self.estimate else None,
        }


async def replay_run(
    bench: Workbench,
    ref: str,
    *,
    template: Path | Literal["today"] | None = None,
    sinks: Sequence[EventSink] = (),
) -> Replayed:
    """Carry the run out again from its record, and compare. Nothing is executed, sent or written.

    With a template, the run goes by that instead of the one it was made with; with `today` by those that have the
    names of its workflows and agents now. Raises UsageError, DefinitionError, CheckError, and StorageError where the
    record is not what was written; a divergence is a result.
    """
    run, contents = read_any_verified(bench, ref)
    plans = run.plans if template is None else await _under(bench, run, template)
    recording = recording_of(bench, run.id, run.events)
    results = len(recording.order)
    terms = [terms_of(bench, plan) for plan in plans]
    done = await rehearse(bench, run.id, recording, plans[-1], terms, _at_the_end(recording), sinks)
    divergence = _divergence(run, recording, done)
    if divergence is None and template is not None:
        divergence = await _passed_over(bench, run, recording)
    return Replayed(
        row=run.row,
        events=len(run.events),
        results=results,
        answered=done.playback.answered,
        contents=contents,
        whole=not _was_cut_short(recording, done),
        status=recording.ending.status if recording.ending else "interrupted",
        output=recording.ending.output if recording.ending else None,
        error=recording.ending.error if recording.ending else None,
        divergence=divergence,
        estimate=_estimate(bench, run, plans[-1], divergence),
    )


async def _under(bench: Workbench, run: Recorded, template: Path | Literal["today"]) -> tuple[Plan, ...]:
    from agentcli.workbench.replan import replan
    from agentcli.workbench.replan_workflow import agent_here, edited_file, of_today, replan_workflow

    plans: list[Plan] = []
    for plan in run.plans:
        if isinstance(plan, CallPlan):
            raise no_conversation(run.row)
        if isinstance(plan, WorkflowPlan):
            edited = of_today(bench, plan) if template == "today" else edited_file(bench, plan, template)
            plans.append(await replan_workflow(bench, plan, edited))
        else:
            plans.append(await replan(bench, plan, agent_here(bench, plan.name) if template == "today" else template))
    return tuple(plans)


def _at_the_end(recording: Recording) -> Any:
    """A run that was killed or stopped asks for more than it got; any other one must not."""
    ending = recording.ending
    return "stop" if ending is None or ending.status == "cancelled" else "refuse"


def _divergence(run: Recorded, recording: Recording, done: Rehearsed) -> Divergence | None:
    playback = done.playback
    if playback.divergence is not None:
        return _described(run, playback.divergence)
    if (left := recording.left()) is not None:
        return _described(run, _left(left))
    if recording.ending is None or _was_cut_short(recording, done):
        return None
    added = [event for event in done.added if not isinstance(event.body, Warned)]
    if added:
        return _described(run, _added(added[0]))
    return _other_result(run, recording.ending, done)


def _was_cut_short(recording: Recording, done: Rehearsed) -> bool:
    """Whether the record holds less than the run would come to: it was killed, or stopped, if only before its end."""
    ending = recording.ending
    return ending is None or bool(done.playback.wanted) or ending.status == "cancelled"


async def _passed_over(bench: Workbench, run: Recorded, recording: Recording) -> Divergence | None:
    """The first result that is passed over now, and was not by the plans on record (see `Recording.passed_over`)."""
    if not (passed := recording.passed_over()):
        return None
    before = recording_of(bench, run.id, run.events)
    terms = [terms_of(bench, plan) for plan in run.plans]
    await rehearse(bench, run.id, before, run.plans[-1], terms, _at_the_end(before))
    known = {event.seq for event in before.passed_over()}
    return next((_described(run, _left(event)) for event in passed if event.seq not in known), None)


def _other_result(run: Recorded, ending: RunCompleted, done: Rehearsed) -> Divergence | None:
    recorded = {name: value for name, value in ending.to_json().items() if name in RESULT}
    outcome = done.outcome
    values = {name: getattr(outcome, name) for name in RESULT}
    values["usage"] = outcome.usage.to_json()
    values["error"] = outcome.error.to_json() if outcome.error else None
    found = first_difference(recorded, values)
    if found is None:
        return None
    path, before, now = found
    error = DivergenceError(
        "E-REPLAY-RESULT",
        "The run ends otherwise than recorded.",
        why=f"Its result differs at {path}.",
        fix="Compare the versions in `agentcli diff`; what the run did is the same.",
        at=run.events[-1].seq,
        path=path,
        recorded=before,
        current=now,
    )
    return _described(run, error)


def _left(event: Event) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-UNASKED",
        f"The run ends before `{event.body.type}`, which is on record.",
        why="It takes another way now.",
        fix="Use `agentcli fork` to go on live from here.",
        at=event.seq,
        path="$",
        recorded=event.body.to_json(),
        current=None,
    )


def _added(event: Event) -> DivergenceError:
    return DivergenceError(
        "E-REPLAY-ADDED",
        f"The run now has `{event.body.type}` in lane `{event.lane}`, which is not on record.",
        why="It takes another way now.",
        fix="Compare the template with the one in the run's manifest.",
        at=None,
        path="$",
        recorded=None,
        current=event.body.to_json(),
    )


def _described(run: Recorded, error: DivergenceError) -> Divergence:
    event = next((one for one in run.events if one.seq == error.at), None)
    turn, lane = (event.turn, event.lane) if event else (None, "")
    return Divergence(error.info, error.at, turn, lane, error.path, error.recorded, error.current)


def _estimate(bench: Workbench, run: Recorded, plan: Plan, divergence: Divergence | None) -> Estimate | None:
    """What going on under another template would take; None where there is none, or nothing diverged."""
    from agentcli.workbench.estimate import estimate

    recorded = run.plans[-1]
    if divergence is None or plan is recorded or isinstance(plan, CallPlan) or isinstance(recorded, CallPlan):
        return None
    after = divergence.at - 1 if divergence.at is not None else run.events[-1].seq
    return estimate(run.events, after, plan.models, recorded.models, bench.price_of, plan.tools)
