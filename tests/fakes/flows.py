"""Workflows on fakes: the real graph, loop, door and templating, with a model, tools and files that tests make up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentcli.catalog.catalog import parse_workflow
from agentcli.core.canonical import Json
from agentcli.core.events import Body, Event, RunForked, RunResumed, RunStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import ToolCall
from agentcli.core.models import ModelReply, ModelRequest, ModelSettings
from agentcli.core.tools import ToolResult
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Settle
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.playback import Playback
from agentcli.engine.ports import ModelObserver
from agentcli.engine.recording import Recording
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan
from agentcli.workbench.agent_run import Parts
from agentcli.workbench.plan_workflow import actions_of
from agentcli.workbench.workflow_parts import WorkflowRun
from agentcli.workbench.workflow_plan import FlowPlan, WorkflowPlan
from agentcli.workbench.workflow_terms import WorkflowTerms
from tests.fakes.engine import RUN, Answering, FunctionTool, ManualClock, MarkingRedactor, Seen, ToolTable, answer
from tests.fakes.engine import run_start as run_start
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

Said = str | Exception | ModelReply
"""What the model says to a prompt."""

NO_MANIFEST = "0" * 64
YES = PolicyPlan((), yes=True)


async def do_it_again(_started: Event) -> Body | None:
    """For what may have happened: it has not."""
    return None


def described(event: Event) -> Any:
    """In place of the recorded request."""
    return {"seq": event.seq}


def plan_of(
    *texts: str,
    tools: Sequence[FunctionTool] = (),
    inputs: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    policy: PolicyPlan = YES,
    agent_limits: Limits | None = None,
) -> WorkflowPlan:
    """The plan of the first workflow; the others are those that it may carry out, by their names."""
    specs = tuple(tool.spec for tool in tools)
    flows, names = {}, {"helper"}
    for text in texts:
        template = parse_workflow(text, "flow.yaml")
        flows[template.name] = FlowPlan(template.name, "flow.yaml", text, specs, (), policy, ".")
        names |= {template.agent or "helper"} | {
            action.agent for action in actions_of(template) if action.agent is not None
        }
    return WorkflowPlan(
        workflow=next(iter(flows)),
        flows=flows,
        agents={name: agent_of(name, specs, policy, agent_limits or Limits()) for name in sorted(names)},
        agent="helper",
        models=("fake:model",),
        limits=limits or Limits(turns=None),
        inputs=dict(inputs or {}),
        workspace=".",
        versions={},
    )


def agent_of(name: str, specs: Any, policy: PolicyPlan, limits: Limits) -> AgentPlan:
    """An agent that is told nothing but its name."""
    source = f"version: 1\nkind: agent\nname: {name}\ninstructions: You are {name}.\n"
    given: dict[str, Any] = {"task": "", "message": "", "history": (), "inputs": {}, "output_schema": None}
    return AgentPlan(
        name, "agent.yaml", source, f"You are {name}.", ("fake:model",), "", specs, (), policy, limits,
        ModelSettings(), workspace=".", versions={}, **given,
    )  # fmt: skip


@dataclass(slots=True)
class Model:
    """Answers prompts: `says` is given the prompt and how often it was asked before. `asked` keeps them."""

    says: Callable[[str, int], Said | Awaitable[Said]]
    asked: list[str] = field(default_factory=list)
    requests: list[ModelRequest] = field(default_factory=list)

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        prompt = request.conversation.messages[1].content
        earlier = self.asked.count(prompt)
        self.asked.append(prompt)
        self.requests.append(request)
        said = self.says(prompt, earlier)
        if isinstance(said, Awaitable):
            said = await said
        if isinstance(said, Exception):
            raise said
        return answer(said) if isinstance(said, str) else said

    async def aclose(self) -> None:
        return None


class Rows:
    """Files of rows in memory."""

    def __init__(self, files: Mapping[str, list[Json]]) -> None:
        self.files = files
        self.read: list[str] = []

    async def rows(self, path: str) -> list[Json]:
        self.read.append(path)
        return self.files[path]


def loud(prompt: str, _earlier: int) -> str:
    """A model that says the prompt in capitals."""
    return prompt.upper()


@dataclass
class Flow:
    """A workflow, and the world that it is carried out in. `run()` carries it out once; the rest goes on from there.

    `later` are the plans of later eras.
    """

    plan: WorkflowPlan
    says: Callable[[str, int], Said | Awaitable[Said]] = loud
    tools: Sequence[FunctionTool] = ()
    files: Mapping[str, list[Json]] = field(default_factory=dict)
    approver: Answering = field(default_factory=Answering)
    clock: Any = field(default_factory=ManualClock)
    settle: Settle = do_it_again
    later: tuple[WorkflowPlan, ...] = ()
    playback: Playback | None = None
    interrupt: Interrupt = field(default_factory=Interrupt)
    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    log: MemoryRunLog | None = None
    seen: Seen = field(default_factory=Seen)
    model: Model = field(init=False)
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.model = Model(self.says)
        self.rows = Rows(self.files)

    async def run(self) -> RunOutcome:
        log = self.log = self.log or self.journal.begin(run_start())
        door = Effects(
            RUN, log, self.clock, sinks=[self.seen], playback=self.playback, seq=log.last_seq, settle=self.settle
        )
        table, admission = ToolTable({tool.name: tool for tool in self.tools}), Admission(MarkingRedactor())
        parts = Parts(lambda _: self.model, lambda _key, _part: table, self.approver, admission, files=self.rows)
        work = WorkflowRun(door, log, parts, [WorkflowTerms(plan) for plan in (self.plan, *self.later)])
        last = (self.plan, *self.later)[-1]
        started = RunStarted("workflow", self.plan.name, "fake:model", "", self.plan.inputs, NO_MANIFEST)
        seconds = last.limits.seconds
        return await execute(door, log, work.budget, started, work.main, self.interrupt, admission, seconds=seconds)

    def recorded(self) -> list[Event]:
        """What is on record."""
        return self.journal.events(RUN)

    def plan_steps(self) -> list[str]:
        """The steps of the workflow."""
        flow = self.plan.flows[self.plan.workflow]
        return parse_workflow(flow.source, flow.path).step_ids()

    # -- on record ----------------------------------------------------------------------------------------------

    def of(self, kind: str) -> list[Event]:
        """The shown events of this type."""
        return [event for event in self.seen.events if event.body.type == kind]

    def fate(self) -> dict[str, str]:
        """What became of each step, by its name; of items only where the step has no end of its own."""
        kinds = ("step.completed", "step.skipped", "step.failed", "step.cancelled")
        return {
            event.lane.replace("step.", ""): event.body.type[5:]
            for event in self.seen.events
            if event.body.type in kinds
        }


async def replayed(flow: Flow, record: Sequence[Event] | None = None) -> tuple[Flow, RunOutcome]:
    """The record once more, strictly. Raises AssertionError where something was performed, or not as recorded."""
    record = flow.recorded() if record is None else record
    again = Flow(flow.plan, refuse, [closed(tool) for tool in flow.tools], later=flow.later)
    again.playback = Playback(Recording(record, described), "refuse")
    outcome = await asyncio.wait_for(again.run(), 20)
    assert again.playback.divergence is None, again.playback.divergence.info
    assert again.playback.recording.left() is None
    assert again.recorded() == [], [event.body for event in again.recorded()]
    assert again.model.asked == again.rows.read == again.approver.asked == []
    return again, outcome


def refuse(prompt: str, _earlier: int) -> str:
    """A model that nothing may reach."""
    raise AssertionError(f"the model was asked {prompt!r}")


def closed(tool: FunctionTool) -> FunctionTool:
    """The tool, which nothing may call."""

    async def function(arguments: Mapping[str, Any]) -> ToolResult:
        raise AssertionError(f"{tool.name} was called with {arguments}")

    return replace(tool, function=function, called=[])


def gone_on(flow: Flow, record: Sequence[Event], body: Body | None = None, **changes: Any) -> Flow:
    """A flow with these events on record that goes on in a new era; `changes` are fields of the new flow."""
    before = flow.later[: sum(isinstance(event.body, (RunResumed, RunForked)) for event in record)]
    plan = changes.pop("plan", (flow.plan, *before)[-1])
    marker = Event(RUN, len(record) + 1, 0.0, 1_000.0, body or RunResumed(NO_MANIFEST, {}))
    fields: dict[str, Any] = {"says": flow.says, "tools": flow.tools, "files": flow.files, "settle": flow.settle}
    new = Flow(flow.plan, **{**fields, **changes}, later=(*before, plan))
    return with_record(new, [*record, marker])


def with_record(flow: Flow, events: Sequence[Event]) -> Flow:
    """The flow, with these events on record, live from there."""
    flow.log = flow.journal.logs[RUN] = MemoryRunLog(flow.journal, run_start())
    for event in events:
        flow.log.append(event)
    flow.playback = Playback(Recording(events, described), "live")
    return flow


def forked(parent: str, cut: int) -> RunForked:
    """The marker of a fork."""
    return RunForked(parent, cut, NO_MANIFEST, {})


def told(outcome: RunOutcome) -> tuple[Any, ...]:
    """What must be the same when it is replayed."""
    return outcome.status, outcome.output, outcome.error, outcome.exit_code, outcome.turns, outcome.usage


def a_call(name: str, **arguments: Any) -> ModelReply:
    """The model asks for one call."""
    reply = answer("", finish_reason="tool_calls")
    return replace(reply, message=replace(reply.message, tool_calls=(ToolCall("c1", name, arguments),)))
