"""A run as an OpenTelemetry trace: the JSON of OTLP, as a collector takes it at `/v1/traces`.

One trace a run: a span of the run, and below it one for each request to a model and each call of a tool; in a workflow
those of a step below the step's own. Ids are hashes
of the run's id and the event's number, so the same run gives the same trace. The texts of messages, arguments and
results are left out unless `content` is chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from agentcli import __version__
from agentcli.core.events import (
    ApprovalResolved,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RunCompleted,
    StepCancelled,
    StepFailed,
    StepStarted,
    ToolCompleted,
    ToolStarted,
    Warned,
)
from agentcli.core.safe_text import json_safe
from agentcli.engine.superseding import lanes_above
from agentcli.workbench.exports import otel_messages, otel_values
from agentcli.workbench.exports import semantic_conventions as names
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord
from agentcli.workbench.exports.story import Operation, story

_INTERNAL, _CLIENT = 1, 3
_ERROR: Final = {"code": 2}
_SAMPLED: Final = 1
_CODE: Final = re.compile(r"(E(?:-[A-Z0-9]+)+): ")

_ROOTS: Final[Mapping[str, tuple[str, str]]] = {
    "workflow": (names.INVOKE_WORKFLOW, names.WORKFLOW_NAME),
    "tool": (names.EXECUTE_TOOL, names.TOOL_NAME),
}
"""What a run's own span is called by its kind; any other kind is an agent's."""


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """One request of the OTLP/HTTP protocol, in JSON."""
    scope = {"name": names.SCOPE, "version": __version__}
    resource = otel_values.attributes({names.SERVICE_NAME: names.SCOPE, names.SERVICE_VERSION: __version__})
    spans = {"scope": scope, "spans": _Trace(record, options.content).spans(), "schemaUrl": names.SCHEMA_URL}
    trace = {
        "resourceSpans": [
            {"resource": {"attributes": resource}, "scopeSpans": [spans], "schemaUrl": names.SCHEMA_URL},
        ]
    }
    text = json_safe(json.dumps(trace, ensure_ascii=False, separators=(",", ":")))
    return (ExportedFile(f"{record.row.start.id}.otel.json", f"{text}\n".encode()),)


def trace_id(run: str) -> str:
    """16 bytes in hex."""
    return sha256(f"agentcli trace {run}".encode()).hexdigest()[:32]


def span_id(run: str, seq: int) -> str:
    """8 bytes in hex, of the span that begins with event `seq`; that of the run itself is 0."""
    return sha256(f"agentcli span {run} {seq}".encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Trace:
    record: RunRecord
    content: bool
    _steps: dict[str, int] = field(default_factory=dict)
    """The first event of each step and item, by its lane."""

    def spans(self) -> list[dict[str, Any]]:
        items = story(self.record.events)
        self._steps = {one.started.lane: one.started.seq for one in items if isinstance(one, Operation) and one.is_step}
        below = [self._span(item) for item in items if isinstance(item, Operation)]
        return [self._root([item for item in items if isinstance(item, Event)]), *below]

    # -- the run ------------------------------------------------------------------------------------------------

    def _root(self, remarks: list[Event]) -> dict[str, Any]:
        start, events = self.record.row.start, self.record.events
        operation, named = _ROOTS.get(start.kind, (names.INVOKE_AGENT, names.AGENT_NAME))
        last = events[-1].time if events else start.started
        span = self._new(0, f"{operation} {start.name}", start.started, last, _INTERNAL)
        span["attributes"] = otel_values.attributes(
            {names.OPERATION_NAME: operation, named: start.name, **self._model(), **self._row(), **self._ending()}
        )
        span["events"] = [_event(event) for event in remarks]
        if start.parent:
            link = {"traceId": trace_id(start.parent), "spanId": span_id(start.parent, 0), "flags": _SAMPLED}
            span["links"] = [{**link, "attributes": otel_values.attributes({names.RELATION: start.relation})}]
        ended = self._completed()
        if ended is not None and ended.error is not None:
            span["status"] = {**_ERROR, "message": ended.error.what}
        return span

    def _model(self) -> dict[str, Any]:
        model = self.record.row.start.model
        if model is None:
            return {}
        provider, _, name = model.partition(":")
        return {names.PROVIDER_NAME: _provider(provider), names.REQUEST_MODEL: name}

    def _row(self) -> dict[str, Any]:
        row = self.record.row
        out: dict[str, Any] = {
            names.RUN_ID: row.start.id,
            names.RUN_KIND: row.start.kind,
            names.RUN_STATUS: row.status,
            names.RUN_TAGS: list(row.tags) or None,
            names.MANIFEST: row.start.manifest,
        }
        if self.content:
            out |= otel_messages.of_manifest(self.record.manifest)
        return out

    def _ending(self) -> dict[str, Any]:
        ended = self._completed()
        if ended is None:
            return {}
        out = {
            **_usage(ended.usage.to_json()),
            names.COST_USD: ended.cost_usd,
            names.TURNS: ended.turns,
            names.EXIT_CODE: ended.exit_code,
            names.ERROR_TYPE: ended.error.code if ended.error else None,
        }
        if self.content and ended.output is not None:
            out[names.OUTPUT_MESSAGES] = otel_messages.answer(ended.output)
        return out

    def _completed(self) -> RunCompleted | None:
        """How the run ended, unless it went on after that."""
        last = self.record.events[-1].body if self.record.events else None
        return last if isinstance(last, RunCompleted) else None

    # -- requests and calls -------------------------------------------------------------------------------------

    def _span(self, operation: Operation) -> dict[str, Any]:
        first, last = operation.started, operation.ended or operation.started
        is_model = isinstance(first.body, ModelStarted | ModelCompleted | ModelFailed)
        name, attributes = self._told_of(operation, is_model)
        span = self._new(first.seq, name, first.time, last.time, _CLIENT if is_model else _INTERNAL)
        place = {names.SEQ: first.seq, names.LANE: first.lane, names.TURN: first.turn, names.STEP: first.step}
        span["parentSpanId"] = span_id(first.run, self._above(operation))
        span["attributes"] = otel_values.attributes({**attributes, **place})
        span["events"] = [_event(event) for event in operation.notes]
        if names.ERROR_TYPE in attributes:
            span["status"] = {**_ERROR, "message": attributes[names.ERROR_TYPE]}
        return span

    def _told_of(self, operation: Operation, is_model: bool) -> tuple[str, dict[str, Any]]:
        if operation.is_step:
            return self._step(operation)
        return self._chat(operation) if is_model else self._tool(operation)

    def _above(self, operation: Operation) -> int:
        """The first event of the step that it is done in; 0 where that is the run itself."""
        lane = operation.started.lane.rpartition("/")[0] if operation.is_step else operation.started.lane
        return next((self._steps[one] for one in lanes_above(lane) if one in self._steps), 0)

    def _step(self, operation: Operation) -> tuple[str, dict[str, Any]]:
        first, ended = operation.started, operation.ended.body if operation.ended else None
        begun = first.body
        out: dict[str, Any] = {
            names.STEP_ACTION: begun.action if isinstance(begun, StepStarted) else None,
            names.STEP_ITEMS: begun.items if isinstance(begun, StepStarted) else None,
            names.STEP_STATUS: ended.type.partition(".")[2] if ended is not None else None,
        }
        if isinstance(ended, StepFailed):
            out[names.ERROR_TYPE] = ended.error.code
        elif isinstance(ended, StepCancelled):
            out[names.ERROR_TYPE] = "cancelled"
        last = first.lane.rpartition("/")[2]
        return f"step {first.step}" + (f" {last.replace('.', ' ')}" if last.startswith("item.") else ""), out

    def _chat(self, operation: Operation) -> tuple[str, dict[str, Any]]:
        asked, body = operation.started.body, operation.ended.body if operation.ended else None
        out: dict[str, Any] = {names.OPERATION_NAME: names.CHAT}
        name = names.CHAT
        if isinstance(asked, ModelStarted):
            head = self.record.json(asked.request.head) or {}
            name = f"{names.CHAT} {asked.model}"
            out |= {names.PROVIDER_NAME: _provider(asked.provider), names.REQUEST_MODEL: asked.model, **_settings(head)}
            if self.content:
                out[names.INPUT_MESSAGES] = otel_messages.messages(message for _, message in self.record.added(asked))
        if isinstance(body, ModelFailed):
            out[names.ERROR_TYPE] = body.error.code
        elif isinstance(body, ModelCompleted):
            out |= _reply(body)
            if self.content:
                out[names.OUTPUT_MESSAGES] = otel_messages.messages([body.message], finish_reason=body.finish_reason)
        return name, out

    def _tool(self, operation: Operation) -> tuple[str, dict[str, Any]]:
        call, done = operation.started.body, operation.ended.body if operation.ended else None
        tool, call_id = getattr(call, "tool", ""), getattr(call, "call_id", "")
        out: dict[str, Any] = {
            names.OPERATION_NAME: names.EXECUTE_TOOL,
            names.TOOL_NAME: tool,
            names.TOOL_TYPE: names.TOOL_TYPE_FUNCTION,
            names.TOOL_CALL_ID: call_id,
            names.TOOL_DESCRIPTION: self._description(tool),
        }
        if self.content and isinstance(call, ToolStarted):
            out[names.TOOL_CALL_ARGUMENTS] = otel_messages.text_of(call.arguments)
        if isinstance(done, ToolCompleted):
            out[names.TOOL_STATUS] = done.status
            if done.status != "ok":
                code = _CODE.match(done.result)
                out[names.ERROR_TYPE] = code[1] if code else done.status
            if self.content:
                out[names.TOOL_CALL_RESULT] = done.result
        return f"{names.EXECUTE_TOOL} {tool}", out

    def _description(self, tool: str) -> str | None:
        specs = self.record.manifest.get("tools")
        found = [spec for spec in specs if isinstance(spec, dict)] if isinstance(specs, list) else []
        text = next((spec.get("description") for spec in found if spec.get("name") == tool), None)
        return text if isinstance(text, str) else None

    def _new(self, seq: int, name: str, first: float, last: float, kind: int) -> dict[str, Any]:
        run = self.record.row.start.id
        return {
            "traceId": trace_id(run),
            "spanId": span_id(run, seq),
            "flags": _SAMPLED,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": otel_values.nanoseconds(first),
            "endTimeUnixNano": otel_values.nanoseconds(max(first, last)),
        }


def _provider(name: str) -> str:
    return names.PROVIDERS.get(name, name)


def _settings(head: Mapping[str, Any]) -> dict[str, Any]:
    settings = head.get("settings")
    out = (
        {name: settings[ours] for ours, name in names.REQUEST_SETTINGS.items() if ours in settings}
        if isinstance(settings, dict)
        else {}
    )
    return {**out, names.OUTPUT_TYPE: "json"} if head.get("output_schema") else out


def _reply(body: ModelCompleted) -> dict[str, Any]:
    streamed = len(body.deltas) > 1
    return {
        names.RESPONSE_MODEL: body.model.partition(":")[2],
        names.RESPONSE_FINISH_REASONS: [body.finish_reason],
        names.REQUEST_STREAM: streamed or None,
        names.RESPONSE_TIME_TO_FIRST_CHUNK: body.deltas[1] / 1000 if streamed and body.attempts == 1 else None,
        **_usage(body.usage.to_json()),
        names.COST_USD: body.cost_usd,
        names.ATTEMPTS: body.attempts,
    }


def _usage(usage: Mapping[str, int]) -> dict[str, Any]:
    """All of it; the parts only where there are any."""
    return {names.USAGE[name]: count for name, count in usage.items() if count or name in ("input", "output")}


def _event(event: Event) -> dict[str, Any]:
    return {
        "timeUnixNano": otel_values.nanoseconds(event.time),
        "name": names.EVENT_PREFIX + event.body.type,
        "attributes": otel_values.attributes({**_told(event), names.SEQ: event.seq}),
    }


def _told(event: Event) -> dict[str, Any]:
    body = event.body
    if isinstance(body, ModelRetried):
        return {names.WAIT_S: body.wait_s}
    if isinstance(body, ModelFallback):
        return {names.MODEL: body.model}
    if isinstance(body, ApprovalResolved):
        return {names.APPROVAL_DECISION: body.decision, names.APPROVAL_BY: body.by}
    if isinstance(body, LimitReached):
        return {names.LIMIT: body.limit}
    return {names.WARNING: body.code} if isinstance(body, Warned) else {}
