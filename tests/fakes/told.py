"""A run told by hand, with the contents that it names: for what reads whole records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentcli.core.canonical import Digest, digest_bytes, encode
from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Body,
    EffectKey,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
    Warned,
    read_body,
)
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunEnd, RunRow, RunStart
from agentcli.core.tools import FileTouch
from agentcli.errors import ErrorInfo, StorageError
from agentcli.workbench.exports.record import RunRecord

RUN = "20261121-081532-k7f3qz"
BEGUN = 1_795_248_932.0
SPEC = {"name": "edit", "description": "Edit a file.", "parameters": {"type": "object"}, "effects": "idempotent"}


@dataclass
class Told:
    """Events and contents, as they are added."""

    run: str = RUN
    events: list[Event] = field(default_factory=list)
    contents: dict[Digest, bytes] = field(default_factory=dict)
    time: float = BEGUN
    manifest: dict[str, Any] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def put(self, data: bytes) -> Digest:
        digest = digest_bytes(data)
        self.contents[digest] = data
        return digest

    def message(self, message: Message) -> Digest:
        return self.put(encode(message.to_json()))

    def say(self, body: Body, lane: str = "", turn: int | None = None, after: float = 0.5, **more: Any) -> Event:
        self.time += after
        seq = len(self.events) + 1
        event = Event(self.run, seq, self.time, self.time - BEGUN, body, lane, None, turn, **more)
        self.events.append(event)
        return event

    def start(self) -> RunStart:
        values = {"kind": "agent", "name": "reader", "task": "Which port?", "model": "openai:gpt-5-mini", **self.row}
        return RunStart(id=self.run, manifest=self.put(encode(self.manifest)), started=BEGUN, **values)

    def end(self) -> RunEnd | None:
        last = self.events[-1].body if self.events else None
        if not isinstance(last, RunCompleted):
            return None
        cost = last.cost_usd
        return RunEnd(last.status, last.exit_code, self.time, last.turns, last.usage, cost, last.duration_s)

    def read(self, digest: Digest) -> bytes:
        if digest not in self.contents:
            raise StorageError("E-BLOB-MISSING", "It is not there.")
        return self.contents[digest]

    def record(self) -> RunRecord:
        start, end = self.start(), self.end()
        row = RunRow(start, end.status if end else "interrupted", end, self.tags)
        return RunRecord(row, tuple(self.events), self.read)

    # -- what runs are made of ----------------------------------------------------------------------------------

    def begin(self, **manifest: Any) -> None:
        known = {
            "instructions": "Be brief.",
            "message": "Which port?",
            "source": "name: reader",
            "path": "/home/ada/agents/reader.yaml",
            "tools": [SPEC],
            "policy": {"yes": False},
            "limits": {"turns": 20, "seconds": None},
            "settings": {"temperature": 0.2, "stop": ["END"], "stream": True},
            "versions": {"agentcli": "0.0.9", "python": "3.12.1"},
            "models": ["openai:gpt-5-mini"],
            "inputs": {"topic": "ports"},
            "history": [],
        }
        self.manifest = {**known, **manifest}
        digest = self.put(encode(self.manifest))
        self.say(RunStarted("agent", "reader", "openai:gpt-5-mini", "Which port?", {"topic": "ports"}, digest))

    def ask(self, turn: int, *messages: Message, previous: int | None = None, **head: Any) -> int:
        """A turn, and its request; gives the seq of that."""
        self.say(TurnStarted(), f"turn.{turn}", turn)
        added = tuple(self.message(message) for message in messages)
        whole = {
            "models": ["openai:gpt-5-mini"],
            "tools": [],
            "settings": {"temperature": 0.2, "stop": ["END"]},
            **head,
        }
        delta = RequestDelta(previous, 2 if previous else 0, added, self.put(encode(whole)))
        key = EffectKey(f"turn.{turn}", "model", "model", 0)
        return self.say(
            ModelStarted("openai", "gpt-5-mini", delta), f"turn.{turn}", turn, key=key, request="1" * 64
        ).seq

    def answer(self, turn: int, message: Message, **changes: Any) -> None:
        finish = "tool_calls" if message.tool_calls else "stop"
        values = {"usage": Usage(100, 20, 50, 5), "finish_reason": finish, "model": "openai:gpt-5-mini"}
        values |= {"duration_s": 1.25, "cost_usd": 0.01, "attempts": 1}
        body = ModelCompleted(message, **{**values, **changes})
        key = EffectKey(f"turn.{turn}", "model", "model", 0)
        self.say(body, f"turn.{turn}", turn, key=key, request="1" * 64, result="2" * 64)

    def call(self, turn: int, number: int, call: ToolCall, **changes: Any) -> None:
        lane = f"turn.{turn}/call.{number}"
        key = EffectKey(lane, "tool", call.name, 0)
        self.say(ToolStarted(call.name, call.id, call.arguments), lane, turn, key=key, request="3" * 64)
        values = {"status": "ok", "result": "done", "data": None, "duration_s": 0.25}
        body = ToolCompleted(call.name, call.id, **{**values, **changes})
        self.say(body, lane, turn, key=key, request="3" * 64, result="4" * 64)

    def finish(self, output: Any = "Port 8080.", error: ErrorInfo | None = None, **changes: Any) -> None:
        values = {"status": "failed" if error else "completed", "usage": Usage(200, 40), "cost_usd": 0.02}
        values |= {"duration_s": 9.5, "turns": 2, "exit_code": 1 if error else 0, **changes}
        self.say(RunCompleted(output=output, error=error, **values))


FAULT = ErrorInfo("E-MODEL-UNREACHABLE", "The server does not answer.", "Connection refused.", "Start it.")
EDIT = ToolCall("c1", "edit", {"path": "a.py", "port": 8080})
LOOK = ToolCall("c2", "look", {})


def two_turns() -> Told:
    """The usual: a request, two calls side by side, one of which changes a file, and an answer."""
    told = Told()
    told.begin()
    first = told.ask(1, Message("system", "Be brief."), Message("user", "Which port?"))
    told.answer(1, Message("assistant", "I will look.", (EDIT, LOOK), reasoning="Ports are in a.py."))
    before, after = told.put(b"port = 80\nhost = ''\n"), told.put(b"port = 8080\nhost = ''\n")
    told.call(1, 1, EDIT, result="changed a.py", files=(FileTouch("a.py", before, after, True),))
    told.call(1, 2, LOOK, status="error", result="E-FILE-UNKNOWN: There is no such file.")
    results = [Message("tool", "changed a.py", tool_call_id="c1"), Message("tool", "E-FILE", tool_call_id="c2")]
    told.ask(2, Message("assistant", "I will look.", (EDIT, LOOK)), *results, previous=first)
    told.answer(2, Message("assistant", "Port 8080."), deltas=(4, 800, 6, 30))
    told.finish()
    return told


def eventful() -> Told:
    """Everything that may be on record: notes, approvals, a fork, a resume, odd files, an event of a newer version."""
    told = two_turns()
    told.tags = ("keep",)
    told.events.pop()
    manifest = told.put(encode(told.manifest))
    told.say(RunForked("20261120-081532-aaaaaa", 3, manifest, {"models": ["local:small"]}))
    told.say(RunResumed(manifest, {}))
    told.ask(3, Message("system", "Be brief."), Message("user", "Again."))
    told.say(ModelRetried("429 Too Many Requests", 2.0), "turn.3", 3)
    told.say(ModelFallback("503", 0.0, "local:small"), "turn.3", 3)
    again = ToolCall("c3", "edit", {}, malformed='{"path": ')
    told.answer(3, Message("assistant", "", (again,)), cost_usd=None, attempts=3, finish_reason="length")
    told.say(ApprovalRequested("edit", "c3", {}, "edit"), "turn.3/call.1", 3)
    told.say(ApprovalResolved("edit", "c3", "no", "user", "not there"), "turn.3/call.1", 3)
    kept = told.put(b"\x00\x01\xff")
    files = (
        FileTouch("new.bin", None, kept, True),
        FileTouch("old.txt", told.put(b"gone\n"), None, True),
        FileTouch("key.pem", "5" * 64, "6" * 64, True, masked=True),
        FileTouch("read.txt", "7" * 64, None, False),
    )
    told.call(3, 1, again, status="denied", result="no", data={"lines": 1}, files=files)
    told.say(ApprovalRequested("edit", "c9", {"path": "x"}, "edit"), "turn.3/call.2", 3)
    told.say(LimitReached("turns", 3, 3))
    told.say(Warned("W-OUTPUT-CUT", "The answer was cut.", "Raise it."))
    told.say(read_body("moon.risen", {"phase": "full"}))
    told.ask(4, Message("user", "Once more."), previous=told.events[-1].seq - 1)
    told.say(ModelFailed(FAULT, 7), "turn.4", 4, key=EffectKey("turn.4", "model", "model", 0), result="8" * 64)
    told.finish(None, FAULT, exit_code=7, turns=4)
    return told
