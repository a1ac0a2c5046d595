"""What stands in the tree of a run for each of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Glyphs, Style
from agentcli.cli.render.progress_lines import STATUS_STYLE_OF_CALL, flagged, marker, said_by_code
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.step_board import reason_of
from agentcli.cli.render.step_rows import STATES, State
from agentcli.cli.render.step_table import STYLES, sign_of
from agentcli.cli.render.text import call_text, head, one_line, output_text, safe
from agentcli.cli.render.tree_nodes import Begun, Happened, Node
from agentcli.core.events import (
    ApprovalResolved,
    Body,
    CodeAsked,
    CodeCompleted,
    LimitReached,
    ModelCompleted,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    RunForked,
    RunResumed,
    StepCompleted,
    StepRetried,
    ToolCompleted,
    ToolStarted,
    Warned,
)
from agentcli.core.values import value

RESULT_LINES = 3
LEAST_WIDTH = 24
STOPPED: dict[State, str] = {"running": "not finished", "pending": "not begun"}
NAMES = {"step": "", "item": "item ", "attempt": "try ", "round": "round "}


@dataclass(slots=True)
class Branch:
    """A line, and the text below it."""

    seq: int
    text: str
    styles: tuple[Style, ...] = ()
    below: list[str] = field(default_factory=list)


@value(frozen=True, slots=True)
class TreeText:
    """`full` leaves nothing out; `running` is whether the run is at work. Widths are what is left beside the tree."""

    glyphs: Glyphs
    full: bool
    running: bool

    # -- nodes --------------------------------------------------------------------------------------------------

    def node(self, node: Node) -> tuple[Line, str]:
        """The head of a node: its name, and what there is to say of it."""
        if node.kind == "turn":
            return (f"turn {node.name}", ("bold",)), self._asked(node.asked)
        name = f"{NAMES[node.kind]}{one_line(node.name)}"
        if node.kind in ("attempt", "round"):
            return (name, ("bold",)), self._joined(self._used(node))
        state = node.state
        words = self.word(state)
        took = f" in {duration(node.seconds)}" if node.seconds is not None else ""
        reason = one_line(reason_of(node.end)) if node.end is not None else ""
        said = self._joined([words + took, *self._items(node), *self._used(node)])
        style: tuple[Style, ...] = STYLES[state] if state != "running" or self.running else ("yellow",)
        return (f"{sign_of(state, self.glyphs)} {name}", style), f"{said}: {reason}" if reason else said

    def word(self, state: State) -> str:
        """A state, in a run that may have stopped meanwhile."""
        return state if self.running else STOPPED.get(state, state)

    def states(self, states: Counter[State]) -> str:
        """How many there are of each state: `1 failed, 7 completed`."""
        return ", ".join(f"{count(states[state])} {self.word(state)}" for state in STATES if states[state])

    def below(self, node: Node, width: int) -> list[str]:
        """What stands below the head of a node: with everything, what a nested workflow gave. Other outputs stand
        where they were come by.
        """
        end, started = node.end, node.started
        is_nested = started is not None and started.action == "workflow" and started.items is None
        if not (self.full and is_nested and isinstance(end, StepCompleted)):
            return []
        return self.cut(output_text(end.output), width)

    def _asked(self, asked: ModelCompleted | None) -> str:
        if asked is None:
            return ""
        parts = [duration(asked.duration_s), count(asked.usage.total, "token")]
        if asked.cost_usd != 0:
            parts.append(money(asked.cost_usd))
        if asked.attempts > 1:
            parts.append(f"{asked.attempts} attempts")
        return self._joined(parts)

    def _items(self, node: Node) -> Iterator[str]:
        if node.started is not None and node.started.items is not None:
            yield count(node.started.items, "item")

    def _used(self, node: Node) -> Iterator[str]:
        if node.tokens:
            yield count(node.tokens, "token")
        if node.cost_usd != 0:
            yield money(node.cost_usd)

    def _joined(self, parts: Iterator[str] | list[str]) -> str:
        return f" {self.glyphs.dot} ".join(parts)

    # -- what happened ------------------------------------------------------------------------------------------

    def branches(self, one: Happened, width: int) -> Iterator[Branch]:
        """The lines of what happened; most of it is worth none."""
        body = one.body
        if body is None and one.begun is not None:
            yield self._unfinished(one.seq, one.begun, width)
        elif isinstance(body, RunResumed | RunForked):
            yield Branch(one.seq, marker(body, self.glyphs), ("bold",))
        elif isinstance(body, ModelCompleted):
            yield from self._said(one, body, width)
        elif isinstance(body, CodeAsked):
            yield from self._code_asked(one.seq, body, width)
        elif isinstance(body, CodeCompleted):
            yield from self._code_ended(one.seq, body, width)
        elif isinstance(body, ToolCompleted):
            yield self._call(one.seq, body, one.begun, width)
        elif body is not None:
            yield from _remarks(one.seq, body, None if self.full else max(width, LEAST_WIDTH))

    def _code_asked(self, seq: int, body: CodeAsked, width: int) -> Iterator[Branch]:
        """What an agent's code says to people, or asks a model; a call that it asks for is shown as such."""
        if body.wants != "tool":
            word = "says" if body.wants == "say" else "asks"
            yield Branch(seq, word, ("cyan",), self.cut(said_by_code(body).strip(), width))

    def _code_ended(self, seq: int, body: CodeCompleted, width: int) -> Iterator[Branch]:
        """What it printed, in full; of an error the trace as well."""
        if self.full and (body.printed or body.trace):
            printed = "\n".join(text for text in (body.printed, body.trace) if text)
            yield Branch(seq, "printed", ("dim",), self.cut(printed, width))

    def _said(self, one: Happened, body: ModelCompleted, width: int) -> Iterator[Branch]:
        """What the model wrote beside its calls, or to an agent's code; the run's answer itself stands at the end."""
        if body.message.content.strip() and (body.message.tool_calls or one.by_code or self.full):
            yield Branch(one.seq, "said", ("dim",), self.cut(body.message.content.strip(), width))

    def _call(self, seq: int, body: ToolCompleted, begun: Begun | None, width: int) -> Branch:
        sign = self.glyphs.ok if body.status == "ok" else self.glyphs.bad
        state = "" if body.status == "ok" else f"{body.status}, "
        took = f"  {state}{duration(body.duration_s)}"
        room = None if self.full else max(width - len(sign) - 1 - len(took), LEAST_WIDTH)
        text = f"{sign} {call_text(body.tool, begun.arguments if begun else {}, room)}{took}"
        shows_result = self.full or body.status != "ok"
        below = [*self._flags(body), *(self.cut(body.result, width) if shows_result else [])]
        return Branch(seq, text, (STATUS_STYLE_OF_CALL[body.status],), below)

    def _flags(self, body: ToolCompleted) -> Iterator[str]:
        """That the result tries to instruct; in full, with the places and what stands there."""
        if body.flags:
            yield flagged(body.flags)
        if self.full:
            yield from (f"{one_line(flag.kind)} at {count(flag.at)}: {one_line(flag.excerpt)}" for flag in body.flags)

    def _unfinished(self, seq: int, begun: Begun, width: int) -> Branch:
        note = "  not finished" if isinstance(begun, ToolStarted) else "  not begun"
        call = call_text(begun.tool, begun.arguments, max(width - len(note), LEAST_WIDTH))
        return Branch(seq, call + note, ("yellow",))

    def cut(self, text: str, width: int) -> list[str]:
        """The first lines of a text."""
        if self.full:
            return safe(text).splitlines()
        shown, more = head(safe(text), RESULT_LINES)
        lines = [one_line(line, max(width - 2, LEAST_WIDTH)) for line in shown.splitlines()]
        return [*lines, f"… {count(more, 'more line')}"] if more else lines


def _remarks(seq: int, body: Body, width: int | None) -> Iterator[Branch]:
    if isinstance(body, ModelRetried):
        yield Branch(seq, f"tried again after {duration(body.wait_s)}: {one_line(body.cause)}", ("yellow",))
    elif isinstance(body, StepRetried):
        after = f", the next one after {duration(body.wait_s)}" if body.wait_s else ""
        yield Branch(seq, one_line(f"try {body.attempt} failed{after}: {reason_of(body)}", width), ("yellow",))
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
