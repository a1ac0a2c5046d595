"""Going live is agreed to by the person at the terminal, and stopped by a signal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from agentcli.cli.environment import Environment
from agentcli.cli.live_search import search
from agentcli.cli.session import Session
from agentcli.engine.lifecycle import Interrupt
from agentcli.engine.ports import Approver
from agentcli.workbench.bisect_runs import Bisected, BisectPlan, Told, Trial
from agentcli.workbench.bisecting.searching import Found

PLAN = BisectPlan("a", "b", (), (), 1)
FOUND = Bisected("a", "b", (), (), Found(None, (), monotone=True), None)


async def work(*, approver: Approver, told: Told, interrupt: Interrupt) -> Bisected:
    told(Trial(3, False, "undecided", 1, 2, ("f1", "f2"), ("E-X: No.",)))
    return FOUND


def asked(word: str) -> tuple[Bisected | None, str]:
    shown = io.StringIO()
    env = Environment(io.StringIO(word), io.StringIO(), shown, {}, Path.cwd(), stdin_tty=True, stderr_tty=True)
    return search(Session(env), PLAN, work, yes=False), shown.getvalue()


@pytest.mark.parametrize(("word", "found"), [("y\n", FOUND), ("yes\n", FOUND), ("n\n", None), ("\n", None), ("", None)])
def test_only_a_yes_goes_live(word: str, found: Bisected | None) -> None:
    result, shown = asked(word)
    assert result == found
    assert "2 to 1 fork" in shown


def test_each_trial_is_told_with_its_rate_and_what_it_lacks() -> None:
    assert "event 3, the good result: undecided, 1 of 2 passed (95 % interval 9% to 91%); E-X: No." in asked("y\n")[1]
