"""Asking the person at the terminal whether a tool call may go on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from agentcli.cli.environment import Environment
from agentcli.cli.render.preview import bounded, chosen, print_preview, print_question
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count
from agentcli.cli.render.text import head, one_line, safe
from agentcli.core.events import Event
from agentcli.core.places import place_text
from agentcli.core.policies import subject_of
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value

PREVIEW_LINES = 20


@value(frozen=True, slots=True)
class Answer:
    """A decision. `reason` is told to the model."""

    decision: Literal["once", "always", "no"]
    by: Literal["user", "flag", "nobody"]
    reason: str = ""


class Screen(Protocol):
    """What shows the run meanwhile."""

    def paused(self) -> AbstractContextManager[None]:
        """While this is open, nothing moves on the screen."""


class StillScreen:
    """A screen on which nothing moves anyway."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing to do."""
        return nullcontext()


class Nobody:
    """Nobody can be asked: there is no terminal, or standard input carries data."""

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Answer:
        """Always no, by nobody: the run ends as denied."""
        return Answer("no", "nobody")

    async def answer(self, spec: ToolSpec, arguments: Mapping[str, Any], lane: str = "") -> str | None:
        """Never any."""
        return None

    async def again(self, started: Event) -> bool:
        """Always no."""
        return False


@dataclass
class TerminalApprover:
    """Shows the exact call and waits for an answer, one question at a time."""

    env: Environment
    out: Printer
    screen: Screen = field(default_factory=StillScreen)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Answer:
        """Once, for the rest of the run, or no, with or without words for the model."""
        async with self._one_at_a_time:
            with self.screen.paused():
                self._show(spec, arguments, rule, preview, lane)
                return await self._answer(spec, arguments)

    async def answer(self, spec: ToolSpec, arguments: Mapping[str, Any], lane: str = "") -> str | None:
        """A line of text, or one of the choices, by its number or in full; None at the end of the input."""
        async with self._one_at_a_time:
            with self.screen.paused():
                choices = list(arguments.get("choices") or ())
                print_question(self.out, f"{spec.name}{_in_step(lane)}", arguments["question"], choices)
                while True:
                    self._prompt("  Your answer: " if not choices else f"  1-{len(choices)}: ")
                    line = await self._line()
                    if line is None:
                        self.out.line()
                        return None
                    answer = chosen(line.strip(), choices)
                    if answer:
                        return answer

    async def again(self, started: Event) -> bool:
        """Yes or no; the end of the input is a no."""
        async with self._one_at_a_time:
            with self.screen.paused():
                body = started.body.to_json()
                self.out.line()
                mark, name = self.out.style("?", "bold", "yellow"), self.out.style(safe(body["tool"]), "bold")
                begun = f"was begun{_in_step(started.lane)} (event {started.seq})"
                self.out.line(f"{mark} {name} {begun}, and nobody knows whether it happened.")
                for line in _argument_lines(body["arguments"]):
                    self.out.line(f"    {line}")
                while True:
                    self._prompt("  Do it again?  [y]es  [n]o, stop here: ")
                    word = (await self._line() or "no").strip().lower()
                    if word in ("y", "yes", "n", "no"):
                        return word in ("y", "yes")

    def _show(self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None, lane: str) -> None:
        style = self.out.style
        changes = "cannot be taken back" if spec.effects == "irreversible" else "changes the workspace"
        nature = "reads only" if spec.effects == "read-only" else changes
        self.out.line()
        who = f"{style('?', 'bold', 'yellow')} {style(spec.name, 'bold')}"
        self.out.line(f"{who} wants to run{_in_step(lane)}; it {nature}.")
        for line in _argument_lines(arguments):
            self.out.line(f"    {line}")
        if preview is not None:
            print_preview(self.out, preview)
        why = "such a tool asks by default" if rule.startswith("default") else f"the rule `{one_line(rule)}` asks"
        self.out.line(style(f"  ({why})", "dim"))

    async def _answer(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> Answer:
        repeatable = spec.effects != "irreversible"
        subject = subject_of(spec, arguments) if spec.asks_per_subject else None
        always = f"  [a]lways{f' {one_line(subject)}' if subject else ''} in this run" if repeatable else ""
        while True:
            self._prompt(f"  Allow it?  [o]nce{always}  [n]o  [w]hy not: ")
            line = await self._line()
            if line is None:
                self.out.line()
                return Answer("no", "nobody")
            word = line.strip().lower()
            if word in ("o", "once", "y", "yes"):
                return Answer("once", "user")
            if word in ("a", "always") and repeatable:
                return Answer("always", "user")
            if word in ("n", "no"):
                return Answer("no", "user")
            if word in ("w", "why", "why not"):
                self._prompt("  Tell the model why: ")
                return Answer("no", "user", (await self._line() or "").strip())

    def _prompt(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()

    async def _line(self) -> str | None:
        """The next line, without stopping the event loop: Ctrl-C and deadlines work while we wait. None at the end."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        descriptor = self.env.stdin.fileno()
        loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)
        data = os.read(descriptor, 65_536)
        return data.decode(errors="replace").rstrip("\r\n") if data else None


def _in_step(lane: str) -> str:
    """Which step of a workflow it is that asks."""
    place = place_text(lane)
    return f" in step {one_line(place)}" if place else ""


def _argument_lines(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, given in arguments.items():
        if isinstance(given, str) and "\n" in given.rstrip("\n"):
            yield f"{safe(name)}: {count(len(given.splitlines()), 'line')}"
            shown, more = head(safe(given), PREVIEW_LINES)
            yield from (f"  | {bounded(line)}" for line in shown.splitlines())
            if more:
                yield f"  … {count(more, 'more line')}"
        else:
            yield f"{safe(name)}: {bounded(safe(json.dumps(given, ensure_ascii=False)))}"
