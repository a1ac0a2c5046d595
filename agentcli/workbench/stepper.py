"""Going through a recorded run event by event: where one stands, where to stop, what was edited. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agentcli.core.canonical import encode
from agentcli.core.events import Event, ModelCompleted, ToolCompleted, ToolStarted
from agentcli.core.values import value
from agentcli.definitions.nearest import suggestion
from agentcli.errors import UsageError

COMMANDS: Final = {
    "next": "the next event (also n, or Enter)",
    "back": "the event before (also b)",
    "go": "go SEQ: that event",
    "find": "find TEXT: the next event that holds the text",
    "break": "break tool:NAME or break SEQ: `continue` stops there; once more takes it away",
    "continue": "on to the next stop, or to the end (also c)",
    "messages": "the conversation as the model saw it at this point (also m)",
    "args": "the arguments of this call",
    "result": "what this call or request gave",
    "event": "this event as JSON",
    "full": "the last long text, whole",
    "where": "this event again, the stops and the edits",
    "edit": "edit this result in $EDITOR, or `edit @file`",
    "live": "go on live from here, as a fork with the edited results",
    "help": "this (also ?)",
    "quit": "leave (also q, Ctrl-D)",
}
SHORT: Final = {"": "next", "n": "next", "b": "back", "c": "continue", "m": "messages", "?": "help", "q": "quit"}
_WITH_ARGUMENT: Final = ("go", "find", "break")


@value(frozen=True, slots=True)
class Command:
    """One line of what was typed."""

    name: str
    argument: str = ""


def parse(line: str) -> Command:
    """The command in a line. Raises UsageError E-STEP-COMMAND."""
    word, _, argument = line.strip().partition(" ")
    name, argument = SHORT.get(word, word), argument.strip()
    if name not in COMMANDS:
        fix = suggestion(word, COMMANDS, "`help` lists the commands.")
        raise UsageError("E-STEP-COMMAND", f"There is no command `{word[:40]}`.", why="It is not one of them.", fix=fix)
    if name in _WITH_ARGUMENT and not argument:
        raise UsageError("E-STEP-COMMAND", f"`{name}` needs more.", why="It says where.", fix=f"Type {COMMANDS[name]}.")
    return Command(name, argument)


@dataclass(slots=True)
class Stepper:
    """A place in a run. `events` are those of the run in order, at least one; seqs count from 1 without gaps."""

    events: Sequence[Event]
    at: int = 0
    stops: set[str] = field(default_factory=set)
    edits: dict[int, str] = field(default_factory=dict)
    """Other results, by seq."""

    @property
    def event(self) -> Event:
        """Where one stands."""
        return self.events[self.at]

    def move(self, by: int) -> None:
        """On or back. Raises UsageError E-STEP-END at either end."""
        if not 0 <= self.at + by < len(self.events):
            which = "last" if by > 0 else "first"
            raise UsageError(
                "E-STEP-END", f"This is the {which} event.", why="The record has no more.", fix="`quit` leaves."
            )
        self.at += by

    def go(self, word: str) -> None:
        """To the event of this number. Raises UsageError E-STEP-PLACE."""
        self.at = self._seq(word) - 1

    def find(self, text: str) -> None:
        """To the next event that holds the text, in any case of letters. Raises UsageError E-STEP-PLACE."""
        wanted = text.casefold()
        for index in range(self.at + 1, len(self.events)):
            if wanted in encode(self.events[index].body.to_json()).decode().casefold():
                self.at = index
                return
        raise _no_place(f"No later event holds `{text[:100]}`.", "Go back with `go 1`, or look for something else.")

    def toggle(self, word: str) -> bool:
        """Set a stop, or take it away; says whether it is set now. Raises UsageError E-STEP-PLACE."""
        stop = word if word.startswith("tool:") and len(word) > len("tool:") else str(self._seq(word))
        self.stops ^= {stop}
        return stop in self.stops

    def run_on(self) -> None:
        """To the next stop, or to the last event. Raises UsageError E-STEP-END there."""
        self.move(1)
        while not self._stops_here() and self.at + 1 < len(self.events):
            self.at += 1

    def edit(self, text: str) -> None:
        """Another result for this event. Raises UsageError E-STEP-RESULT where it is none."""
        self.result()
        self.edits[self.event.seq] = text

    def result(self) -> str:
        """The text that this event gave the run, as edited. Raises UsageError E-STEP-RESULT where it gave none."""
        body = self.event.body
        if self.event.result is not None and isinstance(body, ToolCompleted):
            text = body.result
        elif self.event.result is not None and isinstance(body, ModelCompleted):
            text = encode(body.message.to_json()).decode() if body.message.tool_calls else body.message.content
        else:
            raise UsageError(
                "E-STEP-RESULT",
                f"Event {self.event.seq} (`{body.type}`) is no result.",
                why="Only an answer of a model or the result of a call is one.",
                fix="`next` goes on; see `where`.",
            )
        return self.edits.get(self.event.seq, text)

    def call(self) -> ToolStarted:
        """The call that this event begins or ends. Raises UsageError E-STEP-RESULT where it is of none."""
        here = self.event.body
        if isinstance(here, ToolStarted):
            return here
        call = here.call_id if isinstance(here, ToolCompleted) else None
        for event in reversed(self.events[: self.at]):
            body = event.body
            if isinstance(body, ToolStarted) and (event.lane, body.call_id) == (self.event.lane, call):
                return body
        raise UsageError(
            "E-STEP-RESULT", "This event is of no call.", why="Only a call has arguments.", fix="`next` goes on."
        )

    def request(self) -> int | None:
        """The seq of the model request that is the last one up to here."""
        seqs = (event.seq for event in reversed(self.events[: self.at + 1]) if event.body.type == "model.started")
        return next(seqs, None)

    def replaced(self) -> tuple[dict[int, str], dict[int, str]]:
        """The edits up to here: of results of calls, and of answers of the model."""
        kept = {seq: text for seq, text in self.edits.items() if seq <= self.event.seq}
        answers = {seq: text for seq, text in kept.items() if isinstance(self.events[seq - 1].body, ModelCompleted)}
        return {seq: text for seq, text in kept.items() if seq not in answers}, answers

    def _stops_here(self) -> bool:
        body = self.event.body
        return str(self.event.seq) in self.stops or (
            isinstance(body, ToolStarted) and f"tool:{body.tool}" in self.stops
        )

    def _seq(self, word: str) -> int:
        if word.isascii() and word.isdecimal() and len(word) < 10 and 1 <= int(word) <= len(self.events):
            return int(word)
        raise _no_place(f"There is no event `{word[:40]}`.", f"The events are numbered from 1 to {len(self.events)}.")


def _no_place(what: str, fix: str) -> UsageError:
    return UsageError("E-STEP-PLACE", what, why="Nothing in the record is there.", fix=fix)
