"""Fork a run: its record up to a cut, then live, as a new run with files of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agentcli.core.canonical import digest, digest_bytes, encode
from agentcli.core.event_bodies import Body
from agentcli.core.events import Event, ModelCompleted, RunForked, ToolCompleted
from agentcli.core.messages import Message
from agentcli.engine.admission import Admission
from agentcli.engine.lifecycle import Interrupt, RunOutcome
from agentcli.engine.playback import Asked
from agentcli.engine.ports import Approver, EventSink
from agentcli.errors import UsageError
from agentcli.workbench.agent_run import terms_of
from agentcli.workbench.call_plan import CallPlan
from agentcli.workbench.continuation import Continuation, continue_run
from agentcli.workbench.fork_files import files_to_restore, make_workspace, workspace_folder
from agentcli.workbench.fork_workflow import before_step, planned_workflow, refuse_each
from agentcli.workbench.going_on import (
    changes_between,
    code_on,
    plan_on,
    priced,
    refuse_divergence,
    settling,
    workspace_on,
)
from agentcli.workbench.own_code import OwnCode, own_code
from agentcli.workbench.recorded_run import Recorded, no_conversation, plans_of, read_any_verified, recording_of
from agentcli.workbench.rehearse import rehearse
from agentcli.workbench.run_agent import start_of
from agentcli.workbench.system_clock import SystemClock
from agentcli.workbench.workflow_plan import WorkflowPlan

if TYPE_CHECKING:
    from agentcli.workbench.agent_plan import AgentPlan
    from agentcli.workbench.estimate import Estimate
    from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """Where to cut which run, and what is to be different from there on.

    `at` is the seq of the last event that is kept, `step` the step of a workflow at whose beginning the cut is; without
    either, it is the last of those whose result is replaced. `results`
    and `responses` replace recorded tool results and answers of the model, by seq. `files` says whether the fork's
    workspace holds the files as they were at the cut, or is the present one. `in_doubt` decides about calls that were
    in flight at the cut.
    """

    run: str
    at: int | None = None
    step: str | None = None
    models: tuple[str, ...] = ()
    prompt: str | None = None
    instructions: str | None = None
    results: Mapping[int, str] = field(default_factory=dict)
    responses: Mapping[int, Message] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    files: Literal["snapshots", "current"] = "snapshots"
    in_doubt: Literal["ask", "retry", "fail"] = "ask"


@dataclass(frozen=True, slots=True)
class ForkPlan:
    """What a fork would do: where it cuts, what is different, what goes live first, and what the rest would take."""

    run: str
    cut: int
    events: int
    changes: dict[str, Any]
    live: tuple[dict[str, Any], ...]
    estimate: Estimate

    def to_json(self) -> dict[str, Any]:
        """One object."""
        out = {name: getattr(self, name) for name in ("run", "cut", "events", "changes")}
        return {**out, "live": list(self.live), "estimate": self.estimate.to_json()}


@dataclass(frozen=True, slots=True)
class _Branch:
    """A fork, thought through to where it goes live."""

    run: Recorded
    cut: int
    prefix: tuple[Event, ...]
    plans: tuple[Any, ...]
    plan: AgentPlan | WorkflowPlan
    changes: dict[str, Any]
    terms: tuple[Any, ...]
    wanted: tuple[Asked, ...]


async def plan_fork(bench: Workbench, request: ForkRequest) -> ForkPlan:
    """What the fork would do; nothing is done, written or sent. Raises as `fork_run` does before there is a run."""
    from agentcli.workbench.estimate import estimate

    branch = await _branch(bench, request)
    live = tuple({"kind": asked.key.kind, "name": asked.key.name, "lane": asked.key.lane} for asked in branch.wanted)
    models, tools = branch.plan.models, branch.plan.tools
    cost = estimate(branch.run.events, branch.cut, models, branch.plans[-1].models, bench.price_of, tools)
    return ForkPlan(branch.run.id, branch.cut, len(branch.run.events), branch.changes, live, cost)


async def fork_run(
    bench: Workbench,
    request: ForkRequest,
    *,
    approver: Approver,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
) -> RunOutcome:
    """Begin a run from a point of another one.

    Raises UsageError E-FORK-CUT, E-FORK-REPLACE, E-FORK-FILES-…; DivergenceError where what is kept does not lead to
    the cut any more (a replaced result after which others were recorded); DeniedError, DefinitionError where the code
    of its own tools does not run. Nothing is written then.
    """
    async with own_code(bench) as code:
        return await _fork(bench, request, code, approver, sinks, interrupt)


async def _fork(
    bench: Workbench,
    request: ForkRequest,
    code: OwnCode,
    approver: Approver,
    sinks: Sequence[EventSink],
    interrupt: Interrupt | None,
) -> RunOutcome:
    branch = await _branch(bench, request)
    parent = branch.run.id
    start = start_of(branch.plan, "0" * 64, parent, "fork", branch.cut)
    plan = branch.plan.in_workspace(str(_workspace(bench, branch, request, start.id)))
    plan = await code_on(bench, plan, code)
    manifest = encode(plan.to_json())
    start = replace(start, manifest=digest_bytes(manifest))
    changes = {**branch.changes, **changes_between(branch.plan, plan), "workspace": plan.workspace}
    marker = _marker(parent, branch.cut, start.manifest, changes)
    kept = [replace(event, run=start.id, parent=parent) for event in (*branch.prefix, marker)]
    log = bench.journal.begin(start)
    try:
        # With a part of its record alone it would be gone on with by its parent's plan, and in its parent's workspace.
        log.append_all(kept, [manifest])
    except BaseException:
        await log.abandon()
        raise
    terms = (*branch.terms[:-1], terms_of(bench, plan))
    going_on = Continuation(branch.run.started, plan, terms, recording_of(bench, start.id, kept), parent, code)
    settle = settling(approver, request.in_doubt, {})
    return await continue_run(bench, going_on, log, approver, settle, sinks, interrupt)


async def _branch(bench: Workbench, request: ForkRequest) -> _Branch:
    request = _admitted(bench, request)
    run, _ = read_any_verified(bench, request.run)
    if isinstance(run.plans[-1], CallPlan):
        raise no_conversation(run.row)
    refuse_each(run.id, run.plans[-1])
    cut = _cut(run, request)
    prefix = tuple(_replaced(event, request) for event in run.events[:cut])
    _refuse_unknown(run, request, cut)
    plans = plans_of(bench, prefix, run.row.start.kind)
    plan = await priced(bench, _planned(bench, plans[-1], request))
    changes = changes_between(plans[-1], plan)
    if replaced := sorted((*request.results, *request.responses)):
        changes["results"] = replaced
    marker = _marker(run.id, cut, "0" * 64, changes)
    terms = tuple(terms_of(bench, one) for one in (*plans, plan))
    recording = recording_of(bench, run.id, (*prefix, marker))
    done = await rehearse(bench, run.id, recording, plan, terms, "stop")
    refuse_divergence(done)
    return _Branch(run, cut, prefix, plans, plan, changes, terms, tuple(done.playback.wanted))


def _admitted(bench: Workbench, request: ForkRequest) -> ForkRequest:
    """What a person gives in the place of a result comes in as a result does: without its secrets."""
    admit = Admission(bench.redactor).admit
    responses = {seq: Message.from_json(admit(message.to_json())) for seq, message in request.responses.items()}
    return replace(request, results={seq: admit(text) for seq, text in request.results.items()}, responses=responses)


def _cut(run: Recorded, request: ForkRequest) -> int:
    named = (*request.results, *request.responses)
    cut = request.at if request.at is not None else max(named, default=0)
    if request.step is not None:
        cut = before_step(run.events, request.step)
    if not 1 <= cut <= len(run.events):
        why = f"Its events are numbered from 1 to {len(run.events)}."
        what = f"There is no event {cut} in the run {run.id}." if request.at is not None else "No cut is named."
        raise UsageError("E-FORK-CUT", what, why=why, fix="Name one with --at; see `agentcli runs show RUN`.")
    return cut


def _refuse_unknown(run: Recorded, request: ForkRequest, cut: int) -> None:
    kinds: tuple[tuple[Mapping[int, Any], type[Body], str], ...] = (
        (request.results, ToolCompleted, "result of a tool"),
        (request.responses, ModelCompleted, "answer of a model"),
    )
    for replaced, kind, name in kinds:
        for seq in replaced:
            event = run.events[seq - 1] if 1 <= seq <= cut else None
            if event is None or event.result is None or not isinstance(event.body, kind):
                raise UsageError(
                    "E-FORK-REPLACE",
                    f"Event {seq} is no recorded {name} before the cut at {cut}.",
                    why="Only what was recorded, and is kept, can be replaced.",
                    fix="See `agentcli runs show RUN` for the numbers.",
                )


def _replaced(event: Event, request: ForkRequest) -> Event:
    body = event.body
    if isinstance(body, ToolCompleted) and event.seq in request.results:
        body = replace(body, status="ok", result=request.results[event.seq], data=None)
    elif isinstance(body, ModelCompleted) and event.seq in request.responses:
        message = request.responses[event.seq]
        body = replace(body, message=message, finish_reason="tool_calls" if message.tool_calls else "stop", deltas=())
    else:
        return event
    return replace(event, body=body, result=digest(body.to_json()))


def _planned(bench: Workbench, plan: Any, request: ForkRequest) -> Any:
    if isinstance(plan, WorkflowPlan):
        texts = {"prompt": request.prompt, "instructions": request.instructions}
        given = {name: text for name, text in texts.items() if text is not None}
        return planned_workflow(bench, plan, request.limits, request.models, given, request.step)
    plan = plan_on(bench, plan, request.limits, request.models)
    if request.prompt is not None:
        plan = replace(plan, task=request.prompt, message=bench.redactor.redact(request.prompt))
        plan = replace(plan, task=plan.message)
    if request.instructions is not None:
        plan = replace(plan, instructions=bench.redactor.redact(request.instructions))
    return plan


def _workspace(bench: Workbench, branch: _Branch, request: ForkRequest, run: str) -> Path:
    """Where the fork's tools work: a copy of its own, unless the present files are asked for or it has no tools."""
    source = workspace_on(bench, branch.plan)
    if request.files == "current" or not branch.plan.tools:
        return source
    files = files_to_restore(bench, branch.run.row, branch.run.events, branch.cut)
    return make_workspace(bench, source, workspace_folder(bench, run), files).target


def _marker(parent: str, cut: int, manifest: str, changes: dict[str, Any]) -> Event:
    clock = SystemClock()
    return Event(parent, cut + 1, clock.now(), clock.monotonic(), RunForked(parent, cut, manifest, changes))
