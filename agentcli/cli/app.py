"""The command line's one entrance, and the only place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from agentcli import __version__
from agentcli.errors import AgentcliError

if TYPE_CHECKING:
    from agentcli.cli.environment import Environment
    from agentcli.cli.session import Session
    from agentcli.errors import ErrorInfo

INTERRUPTED = 130
USAGE = 2
HELP_WIDTH = 100
"""Lines of help are no longer than this, however wide the terminal is."""


def main(argv: Sequence[str] | None = None, env: Environment | None = None) -> int:
    """Carry out one command line; returns the exit code. Raises nothing."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"] and env is None and sys.stdout is not None:  # None: it was closed before we began
        return _print_version()  # before anything is imported
    from agentcli.cli.environment import Environment
    from agentcli.cli.session import Session

    session = Session(env or Environment.of_process())
    code = _carry_out(session, arguments)
    try:
        session.out.flush()
    except BrokenPipeError:
        _silence(session.env.stdout)
    except AgentcliError as error:
        code = _reported(session, error)
    _flush_remarks(session)
    return code


def _flush_remarks(session: Session) -> None:
    """What standard error does not take is dropped: Python would complain about it at exit."""
    try:
        session.env.stderr.flush()
    except OSError:
        _silence(session.env.stderr)


def _print_version() -> int:
    try:
        sys.stdout.write(f"agentcli {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return 0
        from agentcli.cli.environment import Environment
        from agentcli.cli.render.printer import unwritable
        from agentcli.cli.session import Session

        session = Session(Environment.of_process())
        code = _reported(session, unwritable(error))
        _flush_remarks(session)
        return code
    return 0


def _carry_out(session: Session, arguments: list[str]) -> int:
    if session.env.platform == "win32":
        session.env.stderr.write("agentcli runs on Linux and macOS; on Windows, use it inside WSL.\n")
        return USAGE
    try:
        return _dispatch(session, arguments)
    except BrokenPipeError:
        # Whoever read has read enough (`| head`): that is no error, and there is nothing more to say.
        _silence(session.env.stdout)
        return session.exit_code
    except KeyboardInterrupt as stop:
        session.err.line("Interrupted.")
        return getattr(stop, "exit_code", INTERRUPTED)
    except Exception as error:  # the last resort: a user sees no stack trace
        return _reported(session, error)


def _dispatch(session: Session, arguments: list[str]) -> int:
    import typer

    from agentcli.cli.parsing import Group
    from agentcli.cli.tree import ROOT

    root = Group(ROOT)
    if session.env.environ.get("_AGENTCLI_COMPLETE"):
        from typer._completion_classes import completion_init

        completion_init()
        root.main(prog_name="agentcli", obj=session)
    try:
        width = min(session.env.size[0], HELP_WIDTH)
        with root.make_context("agentcli", arguments, obj=session, terminal_width=width) as ctx:
            root.invoke(ctx)
    except typer.Exit as end:
        return end.exit_code
    return session.exit_code


def _reported(session: Session, error: Exception) -> int:
    """The exit code of an error that is said as far as there is somewhere to say it."""
    from agentcli.cli.render.printer import UNWRITABLE

    if getattr(error, "code", "") == UNWRITABLE:
        _silence(session.env.stdout)
        session.flags.json = False  # events would go there as well
    try:
        return _report(session, error)
    except (OSError, AgentcliError):
        _silence(session.env.stdout)
        _silence(session.env.stderr)
        return getattr(error, "exit_code", 1)


def _report(session: Session, error: Exception) -> int:
    from typer import TyperException

    from agentcli.cli.usage import from_typer
    from agentcli.errors import ErrorInfo

    if isinstance(error, TyperException):
        error = from_typer(error)
    if isinstance(error, AgentcliError):
        from agentcli.cli.render.problems import problems_of

        _show(session, problems_of(error), error.exit_code)
        code = error.exit_code
    else:
        name = type(error).__name__
        info = ErrorInfo(
            "E-INTERNAL",
            f"Something went wrong inside agentcli: {name}: {error}",
            why="This is a mistake in agentcli, not in what you did.",
            fix="Run it again with -v to see where, and report that.",
        )
        _show(session, (info,), 1)
        code = 1
    if session.flags.verbose:
        import traceback

        traceback.print_exception(error, file=session.env.stderr)
    return code


def _show(session: Session, infos: Sequence[ErrorInfo], exit_code: int) -> None:
    from agentcli.cli.render.problems import error_event, print_error

    if session.flags.json:
        session.out.json(error_event(infos, exit_code))
        return
    session.env.stdout.flush()
    for info in infos:
        print_error(session.err, info)


def _silence(stream: TextIO) -> None:
    """Python flushes its streams once more at exit: let it write to nowhere."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
