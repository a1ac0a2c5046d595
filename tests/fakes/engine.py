"""Stand-ins for the engine's ports, and a rig that runs one agent on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.events import Event, RunStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelReply, ModelRequest, RequestHead, Usage
from agentcli.core.policies import Policy
from agentcli.core.runs import RunStart
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effect import Settle, leave_in_doubt
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.limits import Budget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.output import OutputSchema
from agentcli.engine.playback import Playback
from agentcli.engine.ports import ModelObserver
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import ToolArgumentsError
from tests.fakes.answering import Answering as Answering
from tests.fakes.answering import Said as Said
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

RUN = "20261121-081532-k7f3qz"


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return 1_795_000_000.0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds


def answer(text: str = "done", **changes: Any) -> ModelReply:
    """A reply that is an answer."""
    values: dict[str, Any] = {
        "usage": Usage(input=10, output=2),
        "finish_reason": "stop",
        "model": "fake:model",
        "cost_usd": 0.0,
        "duration_s": 0.01,
    }
    return ModelReply(Message("assistant", text), **{**values, **changes})


def calls(*wanted: tuple[str, dict[str, Any]], **changes: Any) -> ModelReply:
    """A reply that asks for tool calls."""
    made = tuple(ToolCall(f"c{number}", name, arguments) for number, (name, arguments) in enumerate(wanted, start=1))
    reply = answer("", **{"finish_reason": "tool_calls", **changes})
    return ModelReply(**{**_fields(reply), "message": Message("assistant", "", made)})


def _fields(reply: ModelReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in reply.__dataclass_fields__}


Reply = ModelReply | Exception | Callable[[ModelRequest, ModelObserver], Awaitable[ModelReply]]


class ReplyingProvider:
    """Answers with the given replies, in order; keeps what it was asked."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self.replies = list(replies)
        self.requests: list[ModelRequest] = []

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, ModelReply) else await reply(request, observer)

    async def aclose(self) -> None:
        return None


class WordByWord:
    """Lets whole words through."""

    def __init__(self, redactor: MarkingRedactor) -> None:
        self.redactor = redactor
        self.held = ""

    def feed(self, text: str) -> str:
        words, space, self.held = (self.held + text).rpartition(" ")
        return str(self.redactor.redact(words + space))

    def flush(self) -> str:
        held, self.held = self.held, ""
        return str(self.redactor.redact(held))


class MarkingRedactor:
    """Knows some secrets by name, and replaces them by `<secret:name>`."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self.secrets = dict(secrets or {})

    def redact(self, value: Any) -> Any:
        return self._mapped(value, {real: f"<secret:{name}>" for name, real in self.secrets.items()})

    def restore(self, value: Any) -> Any:
        return self._mapped(value, {f"<secret:{name}>": real for name, real in self.secrets.items()})

    def stream(self) -> WordByWord:
        return WordByWord(self)

    def holds_secret(self, data: bytes) -> bool:
        return any(real.encode() in data for real in self.secrets.values())

    def keyed_digest(self, data: bytes) -> Digest:
        return digest_bytes(b"key" + data)

    def _mapped(self, value: Any, table: Mapping[str, str]) -> Any:
        if isinstance(value, str):
            for old, new in table.items():
                value = value.replace(old, new)
            return value
        if isinstance(value, dict):
            return {name: self._mapped(item, table) for name, item in value.items()}
        if isinstance(value, list):
            return [self._mapped(item, table) for item in value]
        return value


@dataclass(slots=True)
class FunctionTool:
    """A tool that is an async function of its arguments; keeps what it was called with."""

    name: str
    function: Callable[[Mapping[str, Any]], Awaitable[ToolResult]]
    effects: Literal["read-only", "idempotent", "irreversible"] = "read-only"
    required: tuple[str, ...] = ()
    called: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, f"The tool {self.name}.", {"type": "object"}, self.effects)

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for name in self.required:
            if name not in arguments:
                raise ToolArgumentsError("E-TOOL-ARGUMENTS", f"`{name}` is missing.")
        return dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        self.called.append(arguments)
        return await self.function(arguments)


def says(name: str, text: str, **changes: Any) -> FunctionTool:
    """A tool that always gives the same text."""

    async def function(_arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(text)

    return FunctionTool(name, function, **changes)


@dataclass(slots=True)
class ToolTable:
    """A set of tools."""

    tools: dict[str, FunctionTool]

    def get(self, name: str) -> FunctionTool | None:
        return self.tools.get(name)

    def specs(self) -> Sequence[ToolSpec]:
        return [tool.spec for tool in self.tools.values()]


@dataclass(slots=True)
class Seen:
    """A sink that keeps everything."""

    events: list[Event] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def types(self, *without: str) -> list[str]:
        return [event.body.type for event in self.events if event.body.type not in without]

    def of(self, kind: str) -> list[Any]:
        return [event.body for event in self.events if event.body.type == kind]


@dataclass(slots=True)
class Rig:
    """One agent on fakes. `run()` runs it once and keeps what it did."""

    replies: Sequence[Reply] = ()
    tools: Sequence[FunctionTool] = ()
    task: str = "What is it?"
    limits: Limits = field(default_factory=Limits)
    schema: dict[str, Any] | None = None
    approver: Answering = field(default_factory=Answering)
    redactor: MarkingRedactor = field(default_factory=MarkingRedactor)
    policy: Policy = field(default_factory=Policy)
    playback: Playback | None = None
    later: Sequence[Terms] = ()
    settle: Settle = leave_in_doubt
    clock: ManualClock = field(default_factory=ManualClock)
    interrupt: Interrupt = field(default_factory=Interrupt)
    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    log: MemoryRunLog | None = None
    seen: Seen = field(default_factory=Seen)
    provider: ReplyingProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = ReplyingProvider(self.replies)

    def terms(self, table: ToolTable | None = None) -> Terms:
        """The terms that the run begins under."""
        table = table or ToolTable({tool.name: tool for tool in self.tools})
        head = RequestHead(("fake:model",), tuple(table.specs()), output_schema=self.schema)
        opening = (Message("system", "Be brief."), Message("user", self.task))
        return Terms(head, opening, self.limits, self.policy, OutputSchema(self.schema) if self.schema else None)

    async def run(self) -> RunOutcome:
        log = self.log or self.journal.begin(run_start())
        self.log = log
        door = Effects(
            RUN, log, self.clock, sinks=[self.seen], playback=self.playback, seq=log.last_seq, settle=self.settle
        )
        admission = Admission(self.redactor)
        table = ToolTable({tool.name: tool for tool in self.tools})
        budget = Budget(self.limits)
        terms = [self.terms(table), *self.later]
        loop = AgentLoop(
            door,
            ModelCalls(door, log, self.provider, admission),
            ToolCalls(door, log, table, self.approver, admission, terms),
            budget,
            terms,
        )
        started = RunStarted("agent", "tester", "fake:model", self.task, {}, "0" * 64)
        seconds = terms[-1].limits.seconds
        return await execute(door, log, budget, started, loop.run, self.interrupt, admission, seconds=seconds)

    def recorded(self) -> list[Event]:
        return self.journal.events(RUN)


def run_start(run: str = RUN) -> RunStart:
    """What is known when the rig's run begins."""
    return RunStart(run, "agent", "tester", "What is it?", "fake:model", "0" * 64, 1_795_000_000.0)


async def forever() -> Any:
    """Never ends by itself."""
    await asyncio.get_running_loop().create_future()
