"""What becomes of a workflow's steps, as lines of text: one for each that begins, is tried again, or is over.

Of the items of a list only those that failed have lines of their own; steps that were stopped before they had begun
are counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentcli.cli.render.lines import Line
from agentcli.cli.render.printer import Glyphs
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.step_board import ENDS, Board, reason_of
from agentcli.cli.render.step_rows import Row, State
from agentcli.cli.render.step_table import STYLES, sign_of
from agentcli.cli.render.text import one_line
from agentcli.core.events import Event, RunCompleted, StepCancelled, StepRetried
from agentcli.core.places import Place, place_of, place_text


class StepLines:
    """Turns the events of a workflow's run into lines. `detail` adds the items of lists."""

    def __init__(self, glyphs: Glyphs, *, detail: bool = False) -> None:
        self._glyphs = glyphs
        self._detail = detail
        self._board = Board()
        self._told: set[str] = set()
        """The steps that are known to have begun."""
        self._unbegun = 0

    def lines(self, event: Event) -> Iterator[Line]:
        """The lines that this event is worth. Give it each event, in their order."""
        self._board.take(event)
        place, body = place_of(event.lane), event.body
        if isinstance(body, RunCompleted) and self._unbegun:
            steps = count(self._unbegun, "step")
            yield f"{self._glyphs.bad} {steps} cancelled before {_they(self._unbegun)} had begun", ("yellow",)
        if place is None:
            return
        row, where = self._board.row(place.path), one_line(place_text(event.lane))
        if row.state == "running" and place.path not in self._told:
            self._told.add(place.path)
            yield f"{self._glyphs.dot} {one_line(place.path)}  running{_items(row)}", ("cyan",)
        if isinstance(body, StepRetried):
            wait = f", the next one in {duration(body.wait_s)}" if body.wait_s else ""
            yield (
                f"{self._glyphs.warn} {where}  try {body.attempt} failed{wait}: {one_line(reason_of(body))}",
                ("yellow",),
            )
        elif (state := ENDS.get(type(body))) is not None:
            yield from self._end(event, place, row, state)

    def _end(self, event: Event, place: Place, row: Row, state: State) -> Iterator[Line]:
        if isinstance(event.body, StepCancelled) and row.begun is None:
            self._unbegun += 1
            return
        if place.is_item and state != "failed" and not self._detail:
            return
        where, reason = one_line(place_text(event.lane)), one_line(reason_of(event.body))
        took = self._took(row) if place.is_step else ""
        head = f"{sign_of(state, self._glyphs)} {where}  {state}{took}"
        yield f"{head}: {reason}" if reason else head, STYLES[state]

    def _took(self, row: Row) -> str:
        """How long it took and what it used. For a step that is carried out several times, all of it together."""
        seconds = row.seconds(self._board.seconds)
        if seconds is None:
            return ""
        parts = [f" in {duration(seconds)}"]
        if row.items is not None:
            parts.append(count(row.items, "item") + (f" ({count(row.failed)} failed)" if row.failed else ""))
        if row.tokens:
            parts.append(count(row.tokens, "token"))
        if row.cost_usd != 0:
            parts.append(money(row.cost_usd))
        return f" {self._glyphs.dot} ".join(parts)


def _items(row: Row) -> str:
    return f": {count(row.items, 'item')}" if row.items is not None else ""


def _they(number: int) -> str:
    return "it" if number == 1 else "they"
