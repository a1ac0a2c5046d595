"""Carrying out what makes a run: follow it on the screen, ask for approvals, stop in order, print the result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from agentcli.cli.approver import Nobody, Screen, StillScreen, TerminalApprover
from agentcli.cli.interrupts import run_to_end
from agentcli.cli.render.by_hand import CallByHand, print_failure
from agentcli.cli.render.problems import error_event
from agentcli.cli.render.progress_lines import summary
from agentcli.cli.render.text import output_text
from agentcli.cli.session import Session
from agentcli.core.events import Event
from agentcli.engine.lifecycle import Interrupt, RunOutcome
from agentcli.engine.ports import Approver, EventSink

if TYPE_CHECKING:
    from agentcli.cli.render.live import LiveSink
    from agentcli.cli.render.row_lines import RowLines


class Work(Protocol):
    """A use case that makes a run."""

    def __call__(
        self, *, sinks: Sequence[EventSink], approver: Approver, interrupt: Interrupt
    ) -> Coroutine[Any, Any, RunOutcome]:
        """Do it, telling `sinks`, asking `approver`; a cancelled run ends with the exit code of `interrupt`."""


def carry_out(
    session: Session, work: Work, *, stdin_is_data: bool, asks_model: bool = True, rows: RowLines | None = None
) -> None:
    """Do the work and print its result; sets the session's exit code. Raises AgentcliError for what precedes a run.

    What no model is asked in has no turns and tokens to tell of. Where there were `rows`, they are the result.
    """
    interrupt, last, by_hand = Interrupt(), _Last(), CallByHand()
    with following(session) as (sinks, screen, restore):
        outcome = run_to_end(
            work(
                sinks=[*sinks, last, by_hand], approver=_approver(session, screen, stdin_is_data), interrupt=interrupt
            ),
            on_stop=lambda exit_code: setattr(interrupt, "exit_code", exit_code),
            on_kill=restore,
        )
    session.exit_code = outcome.exit_code
    if rows is not None:
        rows.close()
    ended = last.type == "run.completed"
    _print(session, outcome, by_hand.failed, ended=ended, asks_model=asks_model, rows=rows)


class _Last:
    """What happened last."""

    type = ""

    def handle(self, event: Event) -> None:
        self.type = event.body.type


View = tuple[list[EventSink], Screen, Callable[[], None]]
"""Who follows the run, what can be paused for a question, and how to put the terminal in order in a hurry."""


@contextmanager
def following(session: Session) -> Iterator[View]:
    """How this command line follows a run: the live view, lines, JSON or not at all."""
    still = StillScreen()
    if session.flags.json:
        from agentcli.cli.render.events_json import JsonSink

        yield [JsonSink(session.out)], still, _nothing
    elif session.flags.quiet:
        yield [], still, _nothing
    elif session.env.can_animate:
        from agentcli.cli.render.live import LiveSink

        live = LiveSink(session.err, environ=session.env.environ, detail=session.flags.verbose)
        with live, _above(session, live):
            yield [live], live, lambda: live.__exit__(*sys.exc_info())
    else:
        from agentcli.cli.render.progress_lines import LineSink

        yield [LineSink(session.err, detail=session.flags.verbose)], still, _nothing


@contextmanager
def _above(session: Session, live: LiveSink) -> Iterator[None]:
    """Results that are printed meanwhile do not run into what moves, where both are on the terminal."""
    out = session.out
    if not out.terminal:
        yield
        return
    session.out = live.over(out)
    try:
        yield
    finally:
        session.out = out


def _nothing() -> None:
    """There is nothing to put in order."""


def _approver(session: Session, screen: Screen, stdin_is_data: bool) -> Approver:
    if session.env.stdin_tty and session.env.stderr_tty and not stdin_is_data:
        return TerminalApprover(session.env, session.err, screen)
    return Nobody()


def _print(
    session: Session,
    outcome: RunOutcome,
    failed: str | None,
    *,
    ended: bool,
    asks_model: bool,
    rows: RowLines | None,
) -> None:
    """The result on standard output; how it went on standard error.

    With --json both stood in the last event, unless the run's end could not be put on record.
    """
    if outcome.cause is not None and session.flags.verbose:
        import traceback

        traceback.print_exception(outcome.cause, file=session.env.stderr)
    if session.flags.json:
        if outcome.error is not None and not ended:
            session.out.json({**error_event((outcome.error,), outcome.exit_code), "run": outcome.run})
        return
    if rows is not None and rows.any and not session.flags.quiet:
        rows.print_table(session.err, failures=session.env.can_animate)
    if outcome.error is not None:
        print_failure(session.out, session.err, outcome.error, failed)
    elif rows is None or not rows.is_result:
        session.out.line(session.out.untrusted(output_text(outcome.output)))
        session.out.flush()
    if not session.flags.quiet:
        line = summary(
            status=outcome.status,
            duration_s=outcome.duration_s,
            turns=outcome.turns if asks_model else None,
            usage=outcome.usage,
            cost_usd=outcome.cost_usd,
            run=outcome.run,
            glyphs=session.err.glyphs,
        )
        session.err.line(session.err.style(line, "dim"))
