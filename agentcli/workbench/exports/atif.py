"""A run as a trajectory of the Agent Trajectory Interchange Format (ATIF), version 1.8.

A step is a message of the system or the user, or an answer of the model with the calls it asked for and their results;
of a workflow also a call that one of its steps is. `extra.step` names the workflow's step that it belongs to.
What came from another run (the conversation that goes on, the events before a fork's cut) is marked as copied context.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from agentcli import __version__
from agentcli.core.canonical import Digest, digest
from agentcli.core.events import (
    Event,
    ModelCompleted,
    ModelStarted,
    RunCompleted,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    rfc3339,
)
from agentcli.core.messages import Message, ToolCall
from agentcli.core.runs import RunRow
from agentcli.core.safe_text import json_safe
from agentcli.engine.superseding import STEP_CALL
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord
from agentcli.workbench.exports.story import conversation_of

SCHEMA_VERSION: Final = "ATIF-v1.8"
AGENT: Final = "agentcli"

Json = dict[str, Any]


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """One trajectory, in JSON."""
    start = record.row.start
    steps = _Steps(record).all()
    trajectory = {
        "schema_version": SCHEMA_VERSION,
        "session_id": start.id,
        "trajectory_id": start.id,
        "agent": _agent(record),
        "steps": steps,
        "final_metrics": {**_totals(record), "total_steps": len(steps)},
        "extra": _extra(record),
    }
    text = json_safe(json.dumps(trajectory, ensure_ascii=False, indent=1))
    return (ExportedFile(f"{start.id}.atif.json", f"{text}\n".encode()),)


def _agent(record: RunRecord) -> Json:
    versions, tools = record.manifest.get("versions"), record.manifest.get("tools")
    out: Json = {"name": AGENT, "version": __version__}
    if isinstance(versions, dict) and isinstance(versions.get(AGENT), str):
        out["version"] = versions[AGENT]
    if record.row.start.model is not None:
        out["model_name"] = record.row.start.model
    if isinstance(tools, list):
        out["tool_definitions"] = [_definition(tool) for tool in tools if isinstance(tool, dict)]
    out["extra"] = {"agent": record.row.start.name}
    return out


def _definition(tool: Json) -> Json:
    """In OpenAI's form."""
    function = {name: tool[name] for name in ("name", "description", "parameters") if name in tool}
    return {"type": "function", "function": function}


def _totals(record: RunRecord) -> Json:
    answers = [event.body for event in record.events if isinstance(event.body, ModelCompleted)]
    costs = [answer.cost_usd for answer in answers]
    out: Json = {
        "total_prompt_tokens": sum(answer.usage.input for answer in answers),
        "total_completion_tokens": sum(answer.usage.output for answer in answers),
        "total_cached_tokens": sum(answer.usage.cached for answer in answers),
    }
    known = [cost for cost in costs if cost is not None]
    if len(known) == len(costs):
        out["total_cost_usd"] = sum(known)
    return out


def _extra(record: RunRecord) -> Json:
    row: RunRow = record.row
    out: Json = {"status": row.status, "kind": row.start.kind, "task": row.start.task, "tags": list(row.tags)}
    if row.start.parent is not None:
        out |= {"parent": row.start.parent, "relation": row.start.relation, "cut": row.start.cut}
    last = record.events[-1].body if record.events else None
    if isinstance(last, RunCompleted):
        out["output"] = last.output
        out["error"] = last.error.to_json() if last.error else None
    return out


@dataclass(slots=True)
class _Steps:
    """Builds the steps from the events, in their order."""

    record: RunRecord
    _steps: list[Json] = field(default_factory=list)
    _calls: dict[tuple[str, str], Json] = field(default_factory=dict)
    """The step that asked for a call, by the lane of the request and the call's id."""
    _seen: set[tuple[str, Digest]] = field(default_factory=set)
    """What each conversation holds, by the lane that it is held in."""
    _begun: set[str] = field(default_factory=set)

    def all(self) -> list[Json]:
        for event in self.record.events:
            if isinstance(event.body, ModelStarted):
                self._request(event, event.body)
            elif isinstance(event.body, ModelCompleted):
                self._answer(event, event.body)
            elif isinstance(event.body, ToolStarted):
                self._called(event, event.body)
            elif isinstance(event.body, ToolCompleted):
                self._result(event, event.body)
        if not self._steps:
            self._add("user", self._task())
        return self._steps

    def _task(self) -> str:
        first = self.record.events[0].body if self.record.events else None
        return first.task if isinstance(first, RunStarted) else self.record.row.start.task

    def _request(self, event: Event, body: ModelStarted) -> None:
        """What is new in it. A request that is whole again, as after a resume, brings what was not there before."""
        whole, held = body.request.previous is None, conversation_of(event.lane)
        again = whole and held in self._begun
        self._begun.add(held)
        added = [(key, said) for key, said in self.record.added(body) if not (again and (held, key) in self._seen)]
        for key, message in added:
            self._seen.add((held, key))
            if message.role in ("system", "user"):
                earlier = whole and message.role == "user" and key != added[-1][0]
                self._add(message.role, message.content, event, earlier)
            elif whole:
                self._copied(event, message)

    def _copied(self, event: Event, message: Message) -> None:
        """A message of the conversation that goes on."""
        if message.role == "assistant":
            step = self._add("agent", message.content, event, True)
            self._fill(step, event.lane, message)
        elif (asked := self._calls.get((event.lane, message.tool_call_id or ""))) is not None:
            _observe(asked, {"source_call_id": message.tool_call_id, "content": message.content})

    def _answer(self, event: Event, body: ModelCompleted) -> None:
        self._seen.add((conversation_of(event.lane), digest(body.message.to_json())))
        step = self._add("agent", body.message.content, event)
        step["model_name"] = body.model
        settings = self.record.manifest.get("settings")
        if isinstance(settings, dict) and isinstance(settings.get("reasoning_effort"), str):
            step["reasoning_effort"] = settings["reasoning_effort"]
        self._fill(step, event.lane, body.message)
        step["llm_call_count"] = 1
        step["metrics"] = _metrics(body)
        step["extra"] = {"seq": event.seq, "lane": event.lane, "finish_reason": body.finish_reason, **_step(event)}

    def _called(self, event: Event, body: ToolStarted) -> None:
        """A step of a workflow that is one call: no model asked for it."""
        if event.lane.rpartition("/")[2] != STEP_CALL or (event.lane, body.call_id) in self._calls:
            return
        step = self._add("agent", "", event)
        step["tool_calls"] = [_call(ToolCall(body.call_id, body.tool, body.arguments))]
        step["llm_call_count"] = 0
        step["extra"] = {"seq": event.seq, "lane": event.lane, **_step(event)}
        self._calls[event.lane, body.call_id] = step

    def _result(self, event: Event, body: ToolCompleted) -> None:
        """A call stands in a lane below that of the request which asked for it."""
        lane = event.lane
        while (asked := self._calls.get((lane, body.call_id))) is None and lane:
            lane = lane.rpartition("/")[0]
        if asked is not None:
            extra = {"seq": event.seq, "status": body.status, "duration_s": body.duration_s}
            _observe(asked, {"source_call_id": body.call_id, "content": body.result, "extra": extra})

    def _fill(self, step: Json, lane: str, message: Message) -> None:
        if message.reasoning is not None:
            step["reasoning_content"] = message.reasoning
        if message.tool_calls:
            step["tool_calls"] = [_call(call) for call in message.tool_calls]
            self._calls.update({(lane, call.id): step for call in message.tool_calls})

    def _add(self, source: str, message: str, event: Event | None = None, copied: bool = False) -> Json:
        step: Json = {"step_id": len(self._steps) + 1, "source": source, "message": message}
        if event is not None:
            step["timestamp"] = rfc3339(event.time)
            if event.step is not None:
                step["extra"] = _step(event)
            cut = self.record.row.start.cut
            if copied or (cut is not None and event.seq <= cut):
                step["is_copied_context"] = True
        self._steps.append(step)
        return step


def _step(event: Event) -> Json:
    return {"step": event.step} if event.step is not None else {}


def _call(call: ToolCall) -> Json:
    out: Json = {"tool_call_id": call.id, "function_name": call.name, "arguments": call.arguments}
    return out if call.malformed is None else {**out, "extra": {"malformed": call.malformed}}


def _observe(step: Json, result: Json) -> None:
    step.setdefault("observation", {"results": []})["results"].append(result)


def _metrics(body: ModelCompleted) -> Json:
    out: Json = {
        "prompt_tokens": body.usage.input,
        "completion_tokens": body.usage.output,
        "cached_tokens": body.usage.cached,
    }
    if body.cost_usd is not None:
        out["cost_usd"] = body.cost_usd
    out["extra"] = {
        "reasoning_tokens": body.usage.reasoning,
        "duration_s": body.duration_s,
        "attempts": body.attempts,
    }
    return out
