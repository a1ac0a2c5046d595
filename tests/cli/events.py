"""Events made by hand, one of each, for what renders them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Body,
    ClockRead,
    Event,
    InputRead,
    LimitReached,
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RandomDrawn,
    RowCompleted,
    RowsRead,
    RowStarted,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
    Warned,
)
from agentcli.core.flags import Flag
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunEnd, RunRow, RunStart, RunStatus
from agentcli.core.tools import FileTouch, ToolStatus
from agentcli.errors import ErrorInfo

RUN = "20261121-081532-k7f3qz"
STARTED = 1_795_248_932.0
DIGEST = "0" * 64
MODEL = "openai:gpt-5-mini"


def run_started(**changes: Any) -> RunStarted:
    fields = {"kind": "agent", "name": "reader", "model": MODEL, "task": "Which port?", "inputs": {}}
    return RunStarted(**{**fields, "manifest": DIGEST, **changes})


def model_started() -> ModelStarted:
    return ModelStarted("openai", "gpt-5-mini", RequestDelta(None, 0, (DIGEST,), DIGEST))


def answered(text: str, *calls: ToolCall, cost_usd: float | None = 0.0001, attempts: int = 1) -> ModelCompleted:
    finish = "tool_calls" if calls else "stop"
    message = Message("assistant", text, tuple(calls))
    return ModelCompleted(message, Usage(100, 20), finish, MODEL, 1.25, cost_usd, attempts)


READ = ToolCall("c1", "read_lines", {"path": "server.py", "start": 1, "end": 20})
GREP = ToolCall("c2", "grep_file", {"path": "nope.py", "pattern": "port"})


def started(call: ToolCall) -> ToolStarted:
    return ToolStarted(call.name, call.id, call.arguments)


def done(call: ToolCall, status: ToolStatus = "ok", result: str = "1 port = 8080\n2 host = ''") -> ToolCompleted:
    return ToolCompleted(call.name, call.id, status, result, None, 0.012)


def run_completed(output: Any = "Port 8080.", error: ErrorInfo | None = None, exit_code: int = 0) -> RunCompleted:
    status: RunStatus = "failed" if error else "completed"
    return RunCompleted(status, output, error, Usage(200, 40), 0.0002, 3.2, 2, exit_code)


FAULT = ErrorInfo("E-MODEL-UNREACHABLE", "The server does not answer.", "Connection refused.", "Start it.")

STORY: tuple[tuple[Body, int | None, str], ...] = (
    (run_started(), None, ""),
    (TurnStarted(), 1, "turn.1"),
    (model_started(), 1, "turn.1"),
    (ModelRetried("429 Too Many Requests", 2.0), 1, "turn.1"),
    (answered("Let me \x1b[31mlook.", READ, GREP), 1, "turn.1"),
    (started(READ), 1, "turn.1/call.1"),
    (started(GREP), 1, "turn.1/call.2"),
    (done(GREP, "error", "E-FILE-MISSING: nope.py is not there\nlook again"), 1, "turn.1/call.2"),
    (done(READ), 1, "turn.1/call.1"),
    (TurnStarted(), 2, "turn.2"),
    (model_started(), 2, "turn.2"),
    (ModelDelta("Port ", 0), 2, "turn.2"),
    (ModelDelta("8080.", 1), 2, "turn.2"),
    (answered("Port 8080."), 2, "turn.2"),
    (run_completed(), None, ""),
)
"""A run of two turns with two calls, one of which failed."""

FLAGS = (Flag("override", 12, "ignore\x1b[31m it\nall"), Flag("persona", 40, "you are"), Flag("override", 90, "forget"))

ONE_OF_EACH: tuple[Body, ...] = (
    *{type(body): body for body, _, _ in STORY}.values(),
    run_completed(None, FAULT, 7),
    RunResumed(DIGEST, {"limits": {"turns": 40}}),
    RunForked("20261121-081532-k7f3qz", 4, DIGEST, {"results": [4]}),
    ModelFallback("503", 0.0, "local:coder-1.5b"),
    ModelFailed(FAULT, 7),
    ToolCompleted(
        "create_file", "c3", "ok", "done", {"lines": 1}, 0.1, (FileTouch("a", None, DIGEST, True),), flags=FLAGS
    ),
    ApprovalRequested("create_file", "c3", {"path": "a"}, "create_file"),
    ApprovalResolved("create_file", "c3", "no", "user", "not there"),
    ClockRead(1.5),
    RandomDrawn(7),
    InputRead("stdin", [1]),
    LimitReached("turns", 20, 20),
    Warned("W-OUTPUT-CUT", "The answer was cut.", "Raise it."),
    RowsRead("rows.jsonl", 1, 2, DIGEST, more=False),
    RowStarted(1, RUN, {"text": "a"}),
    RowCompleted(1, RUN, "failed", None, FAULT, Usage(10, 2), 0.5, 1.5, 1),
)


def events(story: Sequence[tuple[Body, int | None, str]] = STORY) -> list[Event]:
    seq = count(1)
    return [
        Event(RUN, next(seq), STARTED + index, float(index), body, lane, None, turn)
        for index, (body, turn, lane) in enumerate(story)
    ]


def row(status: RunStatus = "completed", **changes: Any) -> RunRow:
    start = {"id": RUN, "kind": "agent", "name": "reader", "task": "Which port?", "model": MODEL, "manifest": DIGEST}
    end = RunEnd(status, 0, STARTED + 3.2, 2, Usage(200, 40), 0.0002, 3.2)
    unended = status in ("running", "interrupted")
    return RunRow(RunStart(**{**start, "started": STARTED, **changes}), status, None if unended else end)
