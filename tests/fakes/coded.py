"""Custom agents on fakes: code that is a generator here, and a rig that runs one with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentcli.core.agents import Permissions
from agentcli.core.events import CodeAsked, CodeCompleted, CodeStarted, Event, RunResumed, RunStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message
from agentcli.core.models import RequestHead
from agentcli.core.policies import Layer, Policy
from agentcli.core.tools import FileChange, Preview, ToolResult
from agentcli.engine.admission import Admission
from agentcli.engine.code_agent import MOST_REQUESTS, CodeAgent
from agentcli.engine.effect import Settle, leave_in_doubt
from agentcli.engine.effects import Effects
from agentcli.engine.lifecycle import Interrupt, RunOutcome, execute
from agentcli.engine.limits import Budget
from agentcli.engine.output import OutputSchema
from agentcli.engine.playback import Playback
from agentcli.engine.recording import Recording
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from tests.fakes.engine import (
    RUN,
    Answering,
    FunctionTool,
    ManualClock,
    MarkingRedactor,
    Reply,
    ReplyingProvider,
    Seen,
    ToolTable,
    run_start,
)
from tests.fakes.journal import InMemoryJournal, MemoryRunLog

Said = CodeAsked | CodeCompleted
Steps = Callable[[Mapping[str, Any]], Generator[Said, Any, Said]]
"""Is given what code is begun with; yields what it asks for and is sent the answer; gives back how it ended."""


def ask(prompt: str, **more: Any) -> CodeAsked:
    return CodeAsked("ask", {"prompt": prompt, "instructions": None, "schema": None, "tools": None, **more})


def call(name: str, **arguments: Any) -> CodeAsked:
    return CodeAsked("tool", {"name": name, "arguments": arguments})


def say(text: str) -> CodeAsked:
    return CodeAsked("say", {"text": text})


def ends(output: Any, *changed: str) -> CodeCompleted:
    return CodeCompleted(output, None, changed)


@dataclass
class GeneratedCode:
    """See `Code`. Keeps what it was told, and whether its files were kept."""

    steps: Steps
    told: list[Mapping[str, Any]] = field(default_factory=list)
    kept: int = 0
    _running: Generator[Said, Any, Said] | None = None

    async def tell(self, message: Mapping[str, Any]) -> Said:
        self.told.append(message)
        try:
            if self._running is None:
                self._running = self.steps(message)
                return next(self._running)
            return self._running.send(message)
        except StopIteration as end:
            said: Said = end.value
            return said

    async def preview(self) -> Preview | None:
        return Preview("+ what the code wrote")

    async def keep(self) -> ToolResult:
        self.kept += 1
        return ToolResult("[created: a.txt]", files=(FileChange("a.txt", None, b"new", changed=True),))

    async def aclose(self) -> None:
        return None


@dataclass
class CodeRig:
    """One custom agent on fakes. `run()` runs it once and keeps what it did."""

    steps: Steps
    replies: Sequence[Reply] = ()
    tools: Sequence[FunctionTool] = ()
    limits: Limits = field(default_factory=Limits)
    schema: dict[str, Any] | None = None
    instructions: str = "Be brief."
    task: str = "What is it?"
    text: str = "the code"
    approver: Answering = field(default_factory=Answering)
    redactor: MarkingRedactor = field(default_factory=MarkingRedactor)
    policy: Policy = field(default_factory=Policy)
    settle: Settle = leave_in_doubt
    most_requests: int = MOST_REQUESTS
    playback: Playback | None = None
    earlier: Sequence[Terms] = ()
    log: MemoryRunLog | None = None
    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    seen: Seen = field(default_factory=Seen)
    code: GeneratedCode = field(init=False)
    provider: ReplyingProvider = field(init=False)

    def __post_init__(self) -> None:
        self.code = GeneratedCode(self.steps)
        self.provider = ReplyingProvider(self.replies)

    def terms(self) -> Terms:
        head = RequestHead(("fake:model",), tuple(tool.spec for tool in self.tools))
        opening = (Message("system", self.instructions),) if self.instructions else ()
        output = OutputSchema(self.schema) if self.schema else None
        begins = CodeStarted(self.text, self.task, {"folder": "docs"})
        return Terms(head, opening, self.limits, self.policy, output, begins)

    async def run(self) -> RunOutcome:
        log = self.log = self.log or self.journal.begin(run_start())
        door = Effects(
            RUN, log, ManualClock(), sinks=[self.seen], playback=self.playback, seq=log.last_seq, settle=self.settle
        )
        admission, budget = Admission(self.redactor), Budget(self.limits)
        terms = [*self.earlier, self.terms()]
        table = ToolTable({tool.name: tool for tool in self.tools})
        calls = ToolCalls(door, log, table, self.approver, admission, terms)
        agent = CodeAgent(
            "triage", door, log, self.code, self.provider, calls, budget, admission, terms, self.most_requests
        )
        started = RunStarted("agent", "triage", "fake:model", self.task, {}, "0" * 64)
        seconds = self.limits.seconds
        return await execute(door, log, budget, started, agent.run, Interrupt(), admission, seconds=seconds)

    def recorded(self) -> list[Event]:
        return self.journal.events(RUN)

    def gone_on(self, before: CodeRig, cut: int | None = None) -> CodeRig:
        """This rig, taking up the other one's run: after its end, or as if it had been killed after so many events."""
        events = before.recorded()[:cut]
        events.append(Event(RUN, len(events) + 1, 0.0, 1_000.0, RunResumed("0" * 64, {})))
        self.log = self.journal.logs[RUN] = MemoryRunLog(self.journal, run_start())
        for event in events:
            self.log.append(event)
        self.earlier = [*before.earlier, before.terms()]
        self.playback = Playback(Recording(events, lambda event: event.body.to_json()), "live")
        return self

    async def replayed(self) -> RunOutcome:
        """Its whole record once more, with code and a model that nothing may reach. Raises what diverges."""
        again = replace(self, steps=never, replies=(), approver=Answering(), journal=InMemoryJournal(), log=None)
        again.playback = Playback(Recording(self.recorded(), lambda event: event.body.to_json()), "refuse")
        outcome = await again.run()
        assert again.playback.divergence is None, again.playback.divergence.info
        assert not again.playback.recording.order
        assert again.code.told == []
        return outcome


def never(_begins: Mapping[str, Any]) -> Generator[Said, Any, Said]:
    raise AssertionError("the code was run")
    yield


ALLOWED = Policy([Layer("agent", Permissions(allow=("keep_files", "write", "look")))])


def gives(*asked: CodeAsked, end: CodeCompleted | None = None) -> Steps:
    """Code that asks for these things, and gives back the answers."""

    def steps(_begins: Mapping[str, Any]) -> Generator[Said, Any, Said]:
        answers: list[Any] = []
        for one in asked:
            answers += [(yield one)]
        return end or ends(answers)

    return steps


def same(one: RunOutcome, other: RunOutcome) -> bool:
    names = ("status", "output", "error", "turns", "usage", "cost_usd", "exit_code")
    return all(getattr(one, name) == getattr(other, name) for name in names)
