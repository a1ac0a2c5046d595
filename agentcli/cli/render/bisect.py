"""What a search for a culprit would do, does and found, for people."""

from __future__ import annotations

import json
from typing import Any

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, money
from agentcli.workbench.bisect_runs import Bisected, BisectPlan, Trial
from agentcli.workbench.bisecting.candidates import Candidate

VALUE_CHARS = 200


def forks_line(plan: BisectPlan) -> str:
    """How many forks, requests and dollars at most."""
    least, most = plan.forks
    cost = "at an unknown price" if plan.cost_usd is None else f"about {money(plan.cost_usd)}"
    return f"{least} to {count(most, 'fork')}, at most {count(plan.model_calls, 'live request')}, {cost}"


def print_plan(out: Printer, plan: BisectPlan) -> None:
    """The candidates, and what trying them may take."""
    out.line(f"{count(len(plan.candidates), 'result')} of {plan.bad} differ from those of {plan.good}:")
    for one, fork in zip(plan.candidates, plan.plans, strict=True):
        cannot = "" if fork is not None else "  (cannot be forked)"
        out.line(f"  {_place(out, one)}{cannot}")
    out.line(f"To find the one to blame takes {forks_line(plan)}.")
    out.line("Nothing was done.")


def trial_line(err: Printer, trial: Trial) -> str:
    """What one candidate, or the control, came to."""
    kept = "its own result kept" if trial.control else "the good result"
    rate = (
        f", {trial.passed} of {trial.checked} passed{_interval(trial)}" if trial.checked + len(trial.forks) > 1 else ""
    )
    skipped = "".join(f"; {err.untrusted(why)}" for why in trial.skipped)
    return f"event {trial.seq}, {kept}: {trial.verdict}{rate}{skipped}"


def print_found(out: Printer, found: Bisected) -> None:
    """The culprit with both values, or what is known short of that."""
    if found.culprit is not None:
        out.line(f"Event {found.culprit.seq} of {found.bad} is to blame: {_place(out, found.culprit)}")
        _values(out, found.culprit)
        out.line("With the good result in its place the check passes; with its own it fails.")
    elif found.found.first is None:
        out.line("No good result repairs the run." if not found.suspects else "Undecided: no good result repairs it.")
    elif not found.confirmed:
        out.line("Undecided: with the bad result kept the check does not fail again, so that nothing is proved.")
    else:
        out.line("Undecided: it is one of these.")
    if found.culprit is None:
        for one in found.suspects:
            out.line(f"  {_place(out, one)}")
            _values(out, one)
    if not found.found.monotone and found.culprit is not None:
        out.line("The last good result does not repair the run: the candidates were tried one after the other.")


def _place(out: Printer, one: Candidate) -> str:
    lane = f" in lane {out.untrusted(one.key.lane)}" if one.key.lane else ""
    return f"event {one.seq}: {one.key.kind} {out.untrusted(one.key.name)}{lane}, {out.untrusted(one.path)}"


def _values(out: Printer, one: Candidate) -> None:
    out.line(f"  good  {_value(out, one.good)}")
    out.line(f"  bad   {_value(out, one.bad)}")


def _value(out: Printer, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    short = text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"
    return out.untrusted(short.replace("\n", "\\n"))


def _interval(trial: Trial) -> str:
    if trial.interval is None:
        return ""
    low, high = trial.interval
    return f" (95 % interval {low:.0%} to {high:.0%})"
