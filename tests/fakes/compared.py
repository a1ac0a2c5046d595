"""Recorded runs to compare: told turn by turn, with real manifests, requests and digests."""

from __future__ import annotations

from itertools import count
from typing import Any

from agentcli.core.canonical import Digest, digest_bytes, encode
from agentcli.core.events import (
    Body,
    EffectKey,
    Event,
    ModelCompleted,
    ModelStarted,
    RunCompleted,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)
from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.core.models import ModelRequest, RequestDelta, RequestHead, Usage
from agentcli.core.runs import RunEnd
from agentcli.core.tools import FileTouch
from agentcli.workbench.comparing.comparison import Comparison, compare_runs
from agentcli.workbench.comparing.records import read_run
from tests.fakes.journal import InMemoryJournal
from tests.fakes.recorded import NOW, start

READ = {"name": "read_lines", "description": "Read lines of a file.", "parameters": {"type": "object"}, "version": "1"}
GREP = {"name": "grep_file", "description": "Search a file.", "parameters": {"type": "object"}, "version": "1"}

PLAN: dict[str, Any] = {
    "format": 1,
    "agent": "reader",
    "path": "agents/reader.yaml",
    "source": "version: 1\nname: reader\nmodel: fake:model\n",
    "instructions": "You answer questions.\nBe brief.",
    "models": ["fake:model"],
    "model_reason": "named by the agent reader",
    "tools": [READ, GREP],
    "uses": [{"name": "read_lines", "options": {}}, {"name": "grep_file", "options": {}}],
    "policy": {
        "layers": [{"name": "agent", "trusted": True, "allow": ["read_lines"], "ask": [], "deny": []}],
        "yes": False,
        "allow": [],
    },
    "limits": {"turns": 20, "tokens": None},
    "settings": {"temperature": 0, "timeout": 60, "stream": True},
    "output_schema": None,
    "inputs": {"topic": "ports"},
    "task": "Which port?",
    "message": "Which port?",
    "history": [],
    "workspace": "/work",
    "versions": {"agentcli": "0.1.0", "python": "3.11.2"},
}


class Told:
    """One run, written into a journal in memory as it is told. `changes` are of the plan."""

    def __init__(self, journal: InMemoryJournal, number: int = 1, *, row: dict[str, Any] | None = None, **changes: Any):
        self.journal = journal
        self.plan = {**PLAN, **changes}
        self.log = journal.begin(start(number, **{"manifest": self.keep(encode(self.plan)), **(row or {})}))
        self.manifest = self.log.start.manifest
        self.log.put(encode(self.plan))
        self.turn = 0
        self.previous: tuple[int, int] | None = None
        self.conversation = Conversation(
            [Message("system", self.plan["instructions"]), Message("user", self.plan["message"])]
        )
        self.add(RunStarted("agent", "reader", "fake:model", "Which port?", {}, self.manifest))

    def keep(self, data: bytes) -> Digest:
        digest = digest_bytes(data)
        self.journal.blobs[digest] = data
        return digest

    @property
    def id(self) -> str:
        return self.log.run

    def add(self, body: Body, lane: str = "", **changes: Any) -> Event:
        seq = self.log.last_seq + 1
        event = Event(self.id, seq, NOW + seq, float(seq), body, lane, **changes)
        self.log.append(event)
        return event

    def asks(self) -> EffectKey:
        """A turn begins, and a request goes out."""
        self.turn += 1
        lane = f"turn.{self.turn}"
        key = EffectKey(lane, "model", "model", 0)
        head = RequestHead(tuple(self.plan["models"]))
        self.add(TurnStarted(), lane, turn=self.turn)
        previous, kept = self.previous or (None, 0)
        added = tuple(self.log.put(data) for data in self.conversation.encoded[kept:])
        self.log.put(encode(head.to_json()))
        provider, _, model = head.models[0].partition(":")
        body = ModelStarted(provider, model, RequestDelta(previous, kept, added, head.digest))
        request = ModelRequest(head, self.conversation.view()).digest
        event = self.add(body, lane, turn=self.turn, key=key, request=request)
        self.previous = event.seq, len(self.conversation)
        return key

    def turn_of(self, text: str = "", *calls: tuple[str, dict[str, Any]], **changes: Any) -> list[ToolCall]:
        """The model is asked, and answers; gives the calls that it asks for."""
        key = self.asks()
        made = [ToolCall(f"{self.id[-6:]}-{self.turn}-{n}", *call) for n, call in zip(count(1), calls, strict=False)]
        message = Message("assistant", text, tuple(made))
        finish = "tool_calls" if made else "stop"
        values = {"finish_reason": finish, "model": self.plan["models"][0], "cost_usd": 0.25, **changes}
        body = ModelCompleted(message, Usage(100, 10), duration_s=float(self.log.last_seq), attempts=1, **values)
        self.add(body, key.lane, turn=self.turn, key=key, request="1" * 64, result="2" * 64)
        self.conversation.append(message)
        return made

    def result(self, call: ToolCall, result: str, *files: FileTouch, **changes: Any) -> None:
        """A call of this turn was made, and gave this."""
        number = call.id.rpartition("-")[2]
        lane = f"turn.{self.turn}/call.{number}"
        key = EffectKey(lane, "tool", call.name, 0)
        self.add(ToolStarted(call.name, call.id, call.arguments), lane, turn=self.turn, key=key, request="3" * 64)
        values = {"status": "ok", "data": None, "duration_s": float(self.log.last_seq), **changes}
        body = ToolCompleted(call.name, call.id, result=result, files=tuple(files), **values)
        self.add(body, lane, turn=self.turn, key=key, request="3" * 64, result="4" * 64)
        self.conversation.append(Message("tool", result, tool_call_id=call.id))

    def looks(self, tool: str, result: str, *files: FileTouch, text: str = "", **arguments: Any) -> None:
        """A turn with one call."""
        [call] = self.turn_of(text, (tool, arguments))
        self.result(call, result, *files)

    async def ends(self, output: Any = None, **changes: Any) -> Told:
        """The run has its end: the output is by default what was said last."""
        said = self.conversation.messages[-1].content if output is None else output
        values: dict[str, Any] = {"status": "completed", "exit_code": 0, "turns": self.turn, "cost_usd": 0.5}
        values |= {"usage": Usage(100 * self.turn, 10 * self.turn), "duration_s": float(self.log.last_seq)}
        error = changes.pop("error", None)
        values |= changes
        self.add(RunCompleted(output=None if error else said, error=error, **values))
        await self.log.end(RunEnd(ended=NOW + 100, **values))
        return self


def comparison(a: Told, b: Told) -> Comparison:
    """The two runs compared."""
    journal = a.journal
    return compare_runs(journal, *(read_run(journal, journal.find(told.id)) for told in (a, b)))


async def simple(journal: InMemoryJournal, number: int, answer: str = "It is 8080.", **changes: Any) -> Told:
    """Two turns: a file is read, then comes the answer."""
    told = Told(journal, number, **changes)
    told.looks("read_lines", "1: port = 8080", path="notes.txt")
    told.turn_of(answer)
    return await told.ends()
