"""Carrying out a search that forks runs: say what it may take, ask, follow it, stop in order."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from agentcli.cli.approver import Nobody, TerminalApprover
from agentcli.cli.interrupts import run_to_end
from agentcli.cli.render.bisect import forks_line, trial_line
from agentcli.cli.session import Session
from agentcli.engine.lifecycle import Interrupt
from agentcli.engine.ports import Approver
from agentcli.errors import UsageError
from agentcli.workbench.bisect_runs import Bisected, BisectPlan, Told


class Work(Protocol):
    """A use case that searches."""

    def __call__(self, *, approver: Approver, told: Told, interrupt: Interrupt) -> Coroutine[Any, Any, Bisected]:
        """Do it, asking `approver` and telling `told` of each trial."""


def search(session: Session, plan: BisectPlan, work: Work, *, yes: bool) -> Bisected | None:
    """What the search found; None where the person at the terminal says no. Raises UsageError E-BISECT-YES."""
    if not yes and not _agreed(session, plan):
        return None
    interrupt = Interrupt()
    approver = TerminalApprover(session.env, session.err) if _has_person(session) else Nobody()
    return run_to_end(
        work(approver=approver, told=lambda trial: session.note(trial_line(session.err, trial)), interrupt=interrupt),
        on_stop=lambda exit_code: setattr(interrupt, "exit_code", exit_code),
    )


def _agreed(session: Session, plan: BisectPlan) -> bool:
    if not _has_person(session):
        raise UsageError(
            "E-BISECT-YES",
            "Nobody can be asked whether to go live.",
            why=f"The search takes {forks_line(plan)}, and there is no terminal.",
            fix="Add `-y`, or look first with `--plan`.",
        )
    session.err.write(f"This takes {forks_line(plan)}. Go on?  [y]es  [n]o: ")
    session.err.flush()
    return session.env.stdin.readline().strip().lower() in ("y", "yes")


def _has_person(session: Session) -> bool:
    return session.env.stdin_tty and session.env.stderr_tty
