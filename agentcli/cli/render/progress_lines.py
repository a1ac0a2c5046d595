"""What happens in a run, as short lines of text: for pipes, logs, dumb terminals, and above the live view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from agentcli.cli.render.lines import Line
from agentcli.cli.render.origin import fork_mark
from agentcli.cli.render.printer import Glyphs, Printer, Style
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.row_progress import RowProgress
from agentcli.cli.render.step_lines import StepLines
from agentcli.cli.render.text import call_text, clip, head, one_line, safe
from agentcli.core.events import (
    ApprovalResolved,
    CodeAsked,
    CodeCompleted,
    Event,
    LimitReached,
    ModelCompleted,
    ModelFallback,
    ModelRetried,
    RunForked,
    RunResumed,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    Warned,
)
from agentcli.core.flags import Flag
from agentcli.core.models import Usage
from agentcli.core.places import place_text
from agentcli.core.tools import ToolStatus

CALL_WIDTH = 100
INDENT = "    "
RESULT_LINES = 5

STATUS_STYLE_OF_CALL: dict[ToolStatus, Style] = {"ok": "green", "error": "red", "denied": "yellow", "timeout": "red"}


class Narrator:
    """Turns events into lines. Remembers the calls that are under way; `detail` adds results."""

    def __init__(self, glyphs: Glyphs, *, detail: bool = False, width: int = CALL_WIDTH) -> None:
        self.glyphs = glyphs
        self.detail = detail
        self.width = width
        self.calls: dict[tuple[str, str], ToolStarted] = {}
        """Calls under way, by lane and call id."""
        self._steps = StepLines(glyphs, detail=detail)
        self.rows = RowProgress(glyphs)

    def lines(self, event: Event) -> Iterator[Line]:
        """The lines that this event is worth; most are worth none. Within a step, they begin with its place."""
        yield from self._steps.lines(event)
        yield from self.rows.lines(event)
        place = one_line(place_text(event.lane))
        for text, styles in self._within(event, len(place) + 2 if place else 0):
            yield (f"{place}: {text}" if place and not text.startswith(INDENT) else text), styles

    def _within(self, event: Event, taken: int) -> Iterator[Line]:
        body = event.body
        if isinstance(body, ToolStarted):
            self.calls[event.lane, body.call_id] = body
        elif isinstance(body, ToolCompleted):
            yield from self._tool(body, self.calls.pop((event.lane, body.call_id), None), self.width - taken)
        elif isinstance(body, ModelCompleted):
            yield from self._thought(body)
        elif isinstance(body, CodeCompleted) and self.detail:
            for line in safe("\n".join(text for text in (body.printed, body.trace) if text)).splitlines():
                yield f"    {one_line(line, self.width - 4)}", ("dim",)
        else:
            yield from _remark(body, self.glyphs)

    def _tool(self, body: ToolCompleted, started: ToolStarted | None, width: int) -> Iterator[Line]:
        sign = self.glyphs.ok if body.status == "ok" else self.glyphs.bad
        took = duration(body.duration_s)
        state = "" if body.status == "ok" else f"{body.status}, "
        call = call_text(body.tool, started.arguments if started else {}, width - len(sign + took + state) - 4)
        yield f"{sign} {call}  {state}{took}", (STATUS_STYLE_OF_CALL[body.status],)
        if body.flags:
            yield f"{INDENT}{flagged(body.flags)}", ("yellow",)
        if self.detail or body.status != "ok":
            shown, more = head(safe(body.result), RESULT_LINES if self.detail else 1)
            for line in shown.splitlines():
                yield f"{INDENT}{one_line(line, self.width - 4)}", ("dim",)
            if more and self.detail:
                yield f"{INDENT}… {count(more, 'more line')}", ("dim",)
        if self.detail and body.status != "ok" and isinstance(body.data, dict):
            for line in safe(str(body.data.get("traceback", ""))).splitlines():
                yield f"{INDENT}{one_line(line, self.width - 4)}", ("dim",)

    def _thought(self, body: ModelCompleted) -> Iterator[Line]:
        if body.message.tool_calls and body.message.content.strip():
            for line in safe(body.message.content).strip().splitlines():
                yield line, ("dim",)


def flagged(flags: Sequence[Flag]) -> str:
    """That a result tries to instruct, and how: `reads like instructions: override (2), role-marker`."""
    counts = Counter(one_line(flag.kind, 40) for flag in flags)
    kinds = [f"{kind} ({number})" if number > 1 else kind for kind, number in counts.items()]
    return f"reads like instructions: {', '.join(kinds)}"


def said_by_code(body: CodeAsked) -> str:
    """The line that an agent's code shows, or the question that it puts to a model."""
    return str(body.request.get("text", body.request.get("prompt", "")))


def marker(body: RunResumed | RunForked, glyphs: Glyphs) -> str:
    """Where a run goes on live after what is on record: `resumed with limits`, `⑂ 20261121-081532-k7f3qz@12`."""
    changed = ", ".join(one_line(str(name), 40) for name in body.changes or () if name != "workspace")
    changes = f" with {clip(changed, CALL_WIDTH)} changed" if changed else ""
    what = "resumed" if isinstance(body, RunResumed) else fork_mark(glyphs, body.origin, body.cut)
    return f"{what}{changes}"


def _went_on(body: RunResumed | RunForked, glyphs: Glyphs) -> Iterator[Line]:
    yield marker(body, glyphs), ("bold",)
    from agentcli.workbench.fork_files import WORKSPACES

    place = (body.changes or {}).get("workspace")
    if isinstance(body, RunForked) and isinstance(place, str) and PurePath(place).parent.name == WORKSPACES:
        yield f"    its files: {one_line(place)}", ("dim",)  # nobody would look for them there


def _remark(body: object, glyphs: Glyphs) -> Iterator[Line]:
    if isinstance(body, RunStarted):
        model = f" with {one_line(body.model)}" if body.model else ""
        yield f"{one_line(body.name)}{model}", ("bold",)
    elif isinstance(body, RunResumed | RunForked):
        yield from _went_on(body, glyphs)
    elif isinstance(body, CodeAsked) and body.wants == "say":
        yield from ((line, ("cyan",)) for line in safe(said_by_code(body)).splitlines())
    elif isinstance(body, ModelRetried):
        yield f"trying again in {duration(body.wait_s)}: {one_line(body.cause)}", ("yellow",)
    elif isinstance(body, ModelFallback):
        yield f"going on with {one_line(body.model)}: {one_line(body.cause)}", ("yellow",)
    elif isinstance(body, ApprovalResolved) and body.by == "flag":
        yield f"{body.tool}: allowed by a flag", ("dim",)
    elif isinstance(body, LimitReached):
        yield f"limit reached: {body.limit} ({body.used:g} of {body.allowed:g})", ("yellow",)
    elif isinstance(body, Warned):
        fix = f" {one_line(body.fix)}" if body.fix else ""
        yield f"warning: {one_line(body.what)}{fix} ({body.code})", ("yellow",)


class LineSink:
    """Prints the lines on standard error, one after the other."""

    def __init__(self, err: Printer, *, detail: bool = False) -> None:
        self._err = err
        self._narrator = Narrator(err.glyphs, detail=detail, width=max(err.width or CALL_WIDTH, 40))

    def handle(self, event: Event) -> None:
        """The lines of one event. A closed standard error is nobody's loss."""
        try:
            for text, styles in self._narrator.lines(event):
                self._err.line(self._err.style(text, *styles))
        except BrokenPipeError:
            return


def summary(
    *, status: str, duration_s: float, turns: int | None, usage: Usage, cost_usd: float | None, run: str, glyphs: Glyphs
) -> str:
    """The one line at the end: `completed in 3.2 s · 2 turns · 1,234 tokens · $0.0012 · 20261121-081532-k7f3qz`.

    Without turns (None) there were no tokens and no cost either.
    """
    parts = [f"{status} in {duration(duration_s)}"]
    if turns is not None:
        parts += [count(turns, "turn"), count(usage.total, "token")]
    if cost_usd != 0:
        parts.append(money(cost_usd))
    return f" {glyphs.dot} ".join([*parts, run])
