"""One run as a tree: its turns, and in each what the model was asked for, what it called, and what came of it.

The number in front of a line is the event's seq in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeAlias

from agentcli.cli.render.origin import fork_mark
from agentcli.cli.render.printer import Printer, Style
from agentcli.cli.render.problems import print_error
from agentcli.cli.render.progress_lines import STATUS_STYLE_OF_CALL, flagged, marker, said_by_code
from agentcli.cli.render.quantity import count, duration, local_time, moment, money, tokens
from agentcli.cli.render.run_list import STATUS_STYLE
from agentcli.cli.render.text import call_text, head, one_line, output_text, safe, wrapped
from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    CodeAsked,
    CodeCompleted,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    RunCompleted,
    RunForked,
    RunResumed,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    Warned,
)
from agentcli.core.runs import RunRow

ANSWER_LINES = 20
RESULT_LINES = 3
CALL_WIDTH = 132
"""How long a call may be where the printer has no width."""

_LABEL_WIDTH = 9
_INDENT = 10
"""Columns in front of a branch: its number, and the joint."""


@dataclass(slots=True)
class Branch:
    """One line below a turn, and the text below that line."""

    seq: int
    text: str
    styles: tuple[Style, ...] = ()
    below: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Turn:
    """A turn: `asked` is the model's answer, None for none. Number 0: what is done by hand, or by an agent's code."""

    number: int
    seq: int
    asked: ModelCompleted | None = None
    branches: list[Branch] = field(default_factory=list)


Calls: TypeAlias = dict[tuple[str, str], tuple[int, ApprovalRequested | ToolStarted, Turn]]
"""Calls that have not ended, by lane and id: the event's seq, the event, and the turn that it is shown under."""


def _turn_of(event: Event) -> int | None:
    """The turn that an event is shown under, 0 between turns; None where it is not shown by itself."""
    between = event.lane.startswith("call.") or isinstance(event.body, CodeAsked | CodeCompleted)
    return 0 if event.turn is None and between else event.turn


@dataclass(slots=True)
class RunTree:
    """Prints one run. `full` leaves nothing out."""

    out: Printer
    now: float
    full: bool = False

    def show(self, row: RunRow, events: Sequence[Event]) -> None:
        """Head, turns, answer, error."""
        started = next((event.body for event in events if isinstance(event.body, RunStarted)), None)
        completed = events[-1].body if events else None
        self._head(row, started)
        turns = self._turns(events)
        early = self._before_turns(events)
        if early or turns:
            self.out.line()
        for branch in early:
            self._line(branch.seq, self.out.style(branch.text, *branch.styles))
        for turn in turns:
            self._turn(turn)
        if isinstance(completed, RunCompleted):
            self._end(completed)

    def _head(self, row: RunRow, started: RunStarted | None) -> None:
        start, end, dot = row.start, row.end, f" {self.out.glyphs.dot} "
        status = self.out.style(row.status, STATUS_STYLE[row.status])
        self.out.line(f"{self.out.style(start.id, 'bold')}  {status}")
        self._field(start.kind, one_line(start.name))
        if start.model:
            self._field("model", one_line(start.model))
        self._field("started", f"{local_time(start.started)} ({moment(start.started, self.now)})")
        if end is not None:
            cost = money(end.cost_usd)
            self._field("used", dot.join([duration(end.duration_s), count(end.turns, "turn"), tokens(end.usage), cost]))
        if start.parent:
            origin = f"{start.parent} ({start.relation or 'parent'})"
            forked = start.relation == "fork"
            self._field("parent", fork_mark(self.out.glyphs, start.parent, start.cut) if forked else origin)
        if row.tags:
            self._field("tags", one_line(", ".join(row.tags)))
        self._field("task", safe(start.task) if self.full else one_line(start.task, 300))
        if started is not None and started.inputs:
            self._field("inputs", call_text("", started.inputs, None if self.full else CALL_WIDTH)[1:-1])

    def _field(self, name: str, value: str) -> None:
        label = self.out.style(name.ljust(_LABEL_WIDTH), "dim")
        first, *rest = wrapped(value, self.out.width and self.out.width - _LABEL_WIDTH) or [""]
        self.out.line(f"{label}{first}")
        for line in rest:
            self.out.line(" " * _LABEL_WIDTH + line)

    def _before_turns(self, events: Sequence[Event]) -> list[Branch]:
        """Where the run was taken up before it had come to its first turn."""
        early = takewhile(lambda event: _turn_of(event) is None, events)
        return [self._marker(one.seq, one.body) for one in early if isinstance(one.body, RunResumed | RunForked)]

    def _turns(self, events: Sequence[Event]) -> list[Turn]:
        turns: list[Turn] = []
        numbered: dict[int, Turn] = {}
        calls: Calls = {}
        for event in events:
            body, number = event.body, _turn_of(event)
            if isinstance(body, RunResumed | RunForked) and turns:
                turns[-1].branches.append(self._marker(event.seq, body))
            elif number is not None:
                turn = numbered.get(number)
                if turn is None or (number == 0 and turn is not turns[-1]):
                    turn = numbered[number] = Turn(number, event.seq)
                    turns.append(turn)
                self._take(turn, event, calls)
        for turn in turns:
            turn.branches.sort(key=lambda branch: branch.seq)
        self._add_unfinished(calls)
        return turns

    def _take(self, turn: Turn, event: Event, calls: Calls) -> None:
        body = event.body
        if isinstance(body, ApprovalRequested | ToolStarted):
            calls[event.lane, body.call_id] = event.seq, body, turn
        elif isinstance(body, ModelCompleted):
            turn.asked, turn.seq = body, event.seq
            turn.branches.extend(self._said(event, body))
        elif isinstance(body, ToolCompleted):
            _, started, _ = calls.pop((event.lane, body.call_id), (0, None, turn))
            turn.branches.append(self._call(event.seq, body, started))
        elif isinstance(body, CodeAsked):
            turn.branches.extend(self._code_asked(event.seq, body))
        elif isinstance(body, CodeCompleted):
            turn.branches.extend(self._code_ended(event.seq, body))
        else:
            turn.branches.extend(_remarks(event))

    def _marker(self, seq: int, body: RunResumed | RunForked) -> Branch:
        return Branch(seq, marker(body, self.out.glyphs), ("bold",))

    def _code_asked(self, seq: int, body: CodeAsked) -> Iterator[Branch]:
        """What an agent's code says to people, or asks a model; a call that it asks for is shown as such."""
        if body.wants != "tool":
            word = "says" if body.wants == "say" else "asks"
            yield Branch(seq, word, ("cyan",), self._cut(said_by_code(body).strip()))

    def _code_ended(self, seq: int, body: CodeCompleted) -> Iterator[Branch]:
        """What it printed, in full; of an error the trace as well."""
        if self.full and (body.printed or body.trace):
            printed = "\n".join(text for text in (body.printed, body.trace) if text)
            yield Branch(seq, "printed", ("dim",), self._cut(printed))

    def _said(self, event: Event, body: ModelCompleted) -> Iterator[Branch]:
        """What the model wrote beside its calls, or to an agent's code; the run's answer itself stands at the end."""
        is_shown = body.message.tool_calls or event.lane.startswith("ask.") or self.full
        if body.message.content.strip() and is_shown:
            yield Branch(event.seq, "said", ("dim",), self._cut(body.message.content.strip()))

    def _call(self, seq: int, body: ToolCompleted, started: ApprovalRequested | ToolStarted | None) -> Branch:
        glyphs = self.out.glyphs
        sign = glyphs.ok if body.status == "ok" else glyphs.bad
        state = "" if body.status == "ok" else f"{body.status}, "
        took = f"  {state}{duration(body.duration_s)}"
        width = None if self.full else self._width_beside(_INDENT + len(sign) + 1 + len(took))
        text = f"{sign} {call_text(body.tool, started.arguments if started else {}, width)}{took}"
        shows_result = self.full or body.status != "ok"
        below = [*self._flags(body), *(self._cut(body.result) if shows_result else [])]
        return Branch(seq, text, (STATUS_STYLE_OF_CALL[body.status],), below)

    def _flags(self, body: ToolCompleted) -> Iterator[str]:
        """That the result tries to instruct; in full, with the places and what stands there."""
        if body.flags:
            yield flagged(body.flags)
        if self.full:
            yield from (f"{one_line(flag.kind)} at {count(flag.at)}: {one_line(flag.excerpt)}" for flag in body.flags)

    def _add_unfinished(self, calls: Calls) -> None:
        for seq, body, turn in calls.values():
            note = "  not finished" if isinstance(body, ToolStarted) else "  not begun"
            call = call_text(body.tool, body.arguments, self._width_beside(_INDENT + len(note)))
            turn.branches.append(Branch(seq, call + note, ("yellow",)))

    def _width_beside(self, taken: int) -> int:
        return max((self.out.width or CALL_WIDTH) - taken, 24)

    def _cut(self, text: str) -> list[str]:
        if self.full:
            return safe(text).splitlines()
        shown, more = head(safe(text), RESULT_LINES)
        lines = [one_line(line, self._width_beside(12)) for line in shown.splitlines()]
        return [*lines, f"… {count(more, 'more line')}"] if more else lines

    def _turn(self, turn: Turn) -> None:
        asked, parts = turn.asked, []
        if asked is not None:
            parts = [duration(asked.duration_s), count(asked.usage.total, "token")]
            if asked.cost_usd != 0:
                parts.append(money(asked.cost_usd))
            if asked.attempts > 1:
                parts.append(f"{asked.attempts} attempts")
        details = self.out.style(f" {self.out.glyphs.dot} ".join(parts), "dim")
        if turn.number:
            self._line(turn.seq, f"{self.out.style(f'turn {turn.number}', 'bold')}  {details}")
        for index, branch in enumerate(turn.branches):
            last = index == len(turn.branches) - 1
            joint = self.out.glyphs.last if last else self.out.glyphs.branch
            self._line(branch.seq, f"{joint} {self.out.style(safe(branch.text), *branch.styles)}")
            side = "  " if last else self.out.glyphs.pipe
            for line in branch.below:
                self._line(None, f"{side}   {self.out.style(line, 'dim')}")

    def _line(self, seq: int | None, text: str) -> None:
        number = self.out.style(f"{seq:>5}", "dim") if seq is not None else " " * 5
        self.out.line(f"{number}  {text}".rstrip())

    def _end(self, completed: RunCompleted) -> None:
        self.out.line()
        if completed.error is not None:
            print_error(self.out, completed.error)
            return
        text = safe(output_text(completed.output))
        shown, more = (text, 0) if self.full else head(text, ANSWER_LINES)
        self.out.line(self.out.style("answer", "dim"))
        for line in shown.splitlines():
            self.out.line(f"  {line}".rstrip())
        if more:
            self.out.line(self.out.style(f"  … {count(more, 'more line')}: --full shows them", "dim"))


def _remarks(event: Event) -> Iterator[Branch]:
    body, seq = event.body, event.seq
    if isinstance(body, ModelRetried):
        yield Branch(seq, f"tried again after {duration(body.wait_s)}: {one_line(body.cause)}", ("yellow",))
    elif isinstance(body, ModelFallback):
        yield Branch(seq, f"went on with {one_line(body.model)}: {one_line(body.cause)}", ("yellow",))
    elif isinstance(body, ModelFailed):
        yield Branch(seq, f"no model answered: {one_line(body.error.what)}", ("red",))
    elif isinstance(body, ApprovalResolved):
        reason = f": {one_line(body.reason)}" if body.reason else ""
        yield Branch(seq, f"asked about {body.tool}: {body.decision} by {body.by}{reason}", ("cyan",))
    elif isinstance(body, LimitReached):
        yield Branch(seq, f"limit reached: {body.limit} ({body.used:g} of {body.allowed:g})", ("yellow",))
    elif isinstance(body, Warned):
        yield Branch(seq, f"warning: {one_line(body.what)} ({body.code})", ("yellow",))
