"""`agentcli replay --step`: reads commands, moves through the record, shows what is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from agentcli.cli.render.problems import print_error
from agentcli.cli.render.step import line_of, messages_text
from agentcli.cli.session import Session
from agentcli.cli.words import Reader, message_in
from agentcli.errors import AgentcliError, UsageError
from agentcli.workbench.stepper import COMMANDS, Command, Stepper, parse

if TYPE_CHECKING:
    from agentcli.workbench.recorded_run import Recorded
    from agentcli.workbench.wiring import Workbench

SHOWN_CHARS = 2000
"""So much of a long text is shown; `full` shows all of it."""


class Stepping:
    """A conversation about one run on standard input and output."""

    def __init__(
        self, session: Session, bench: Workbench, run: Recorded, files: Literal["snapshots", "current"]
    ) -> None:
        self._session = session
        self._bench = bench
        self._run = run
        self._files: Literal["snapshots", "current"] = files
        self._stepper = Stepper(run.events)
        self._long = ""
        self._over = False

    def __call__(self) -> None:
        """Until it is left, or the run goes on live."""
        self._where()
        while not self._over:
            self._prompt()
            line = self._session.env.stdin.readline()
            if not line:
                return
            try:
                self._do(parse(line))
            except AgentcliError as error:
                print_error(self._session.err, error.info)

    def _prompt(self) -> None:
        text = f"({self._stepper.event.seq}/{len(self._stepper.events)}) > "
        self._session.out.flush()
        self._session.err.stream.write(text)
        self._session.err.stream.flush()

    def _do(self, command: Command) -> None:
        if not self._move(command):
            self._show(command)

    def _move(self, command: Command) -> bool:
        stepper = self._stepper
        moves = {
            "next": lambda: stepper.move(1),
            "back": lambda: stepper.move(-1),
            "go": lambda: stepper.go(command.argument),
            "find": lambda: stepper.find(command.argument),
            "continue": stepper.run_on,
        }
        if command.name not in moves:
            return False
        moves[command.name]()
        self._print(line_of(stepper.event))
        return True

    def _show(self, command: Command) -> None:
        stepper = self._stepper
        shows = {
            "messages": lambda: self._text(self._messages()),
            "args": lambda: self._text(_json(stepper.call().arguments)),
            "result": lambda: self._text(stepper.result()),
            "event": lambda: self._text(_json(stepper.event.to_json())),
            "full": lambda: self._print(self._long),
            "where": self._where,
            "break": lambda: self._break(command.argument),
            "edit": lambda: self._edit(command.argument),
            "live": self._live,
            "help": self._help,
            "quit": self._quit,
        }
        shows[command.name]()

    def _where(self) -> None:
        self._print(line_of(self._stepper.event))
        if self._stepper.stops:
            self._print(f"stops: {', '.join(sorted(self._stepper.stops))}")
        if self._stepper.edits:
            self._print(f"edited: {', '.join(map(str, sorted(self._stepper.edits)))}")

    def _break(self, word: str) -> None:
        self._print(f"{'stops' if self._stepper.toggle(word) else 'no longer stops'} at {word}")

    def _help(self) -> None:
        for name, text in COMMANDS.items():
            self._print(f"{name:<9} {text}")

    def _quit(self) -> None:
        self._over = True

    def _messages(self) -> str:
        seq = self._stepper.request()
        return messages_text(self._bench.journal.conversation(self._run.id, seq)) if seq is not None else "(none yet)"

    def _edit(self, word: str) -> None:
        before = self._stepper.result()
        text = Reader(self._session.env).text(word, "edit") if word else self._in_editor(before)
        self._stepper.edit(text)
        self._print(f"event {self._stepper.event.seq} is edited; `live` goes on from here with it")

    def _in_editor(self, text: str) -> str:
        import asyncio
        import shlex
        import tempfile
        from pathlib import Path

        environ = self._session.env.environ
        editor = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "")
        if not editor:
            raise _no_editor("Neither VISUAL nor EDITOR is set.")
        with tempfile.TemporaryDirectory(prefix="agentcli-") as folder:
            path = Path(folder) / "result.txt"
            path.write_text(text, encoding="utf-8")
            try:
                code = asyncio.run(_ended(*editor, str(path), environ=environ))
                edited = path.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                raise _no_editor(f"{error}.") from error
        if code:
            raise _no_editor(f"It ended with {code}.")
        return edited if text.endswith("\n") else edited.removesuffix("\n")

    def _live(self) -> None:
        from agentcli.cli.execution import carry_out
        from agentcli.workbench.fork_run import ForkRequest, fork_run

        results, answers = self._stepper.replaced()
        request = ForkRequest(
            self._run.id,
            at=self._stepper.event.seq,
            results=results,
            responses={seq: message_in(text) for seq, text in answers.items()},
            files=self._files,
        )
        carry_out(self._session, partial(fork_run, self._bench, request), stdin_is_data=False)
        self._over = True

    def _text(self, text: str) -> None:
        """A text of any length; what is long is cut."""
        self._long = text
        self._print(text[:SHOWN_CHARS])
        if len(text) > SHOWN_CHARS:
            self._session.note(f"… {len(text) - SHOWN_CHARS} more characters: `full`")

    def _print(self, text: str) -> None:
        self._session.out.line(self._session.out.untrusted(text))


async def _ended(*words: str, environ: Mapping[str, str]) -> int:
    """The exit code of a program that was given this terminal."""
    import asyncio

    process = await asyncio.create_subprocess_exec(*words, env=dict(environ))
    return await process.wait()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _no_editor(why: str) -> UsageError:
    return UsageError(
        "E-STEP-EDITOR", "The editor could not be used.", why=why, fix="Write `edit @file`, or set EDITOR."
    )
