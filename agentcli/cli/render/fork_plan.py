"""What a fork would do, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, money
from agentcli.workbench.estimate import Estimate
from agentcli.workbench.fork_run import ForkPlan

VALUE_CHARS = 80


def print_plan(out: Printer, plan: ForkPlan) -> None:
    """Where it cuts, what is different, what goes live, what the rest might take."""
    out.line(f"A fork of {plan.run}: {plan.cut} of {count(plan.events, 'event')} from the record, then live.")
    for name, value in plan.changes.items():
        out.line(f"  {name}: {out.untrusted(_short(value))}")
    for first in plan.live:
        out.line(f"  first live: {out.untrusted(_live(first))}")
    if not plan.live:
        out.line("  Nothing goes live: the record answers everything to the end.")
    out.line(f"  If it goes as it went: {estimated(plan.estimate)}.")
    out.line("Nothing was done.")


def estimated(estimate: Estimate) -> str:
    """What an estimate says, in words."""
    tokens = estimate.input_tokens + estimate.output_tokens
    cost = "at an unknown price" if estimate.cost_usd is None else f"about {money(estimate.cost_usd)}"
    calls = sum(estimate.tools.values())
    tools = f", {count(calls, 'tool call')} ({', '.join(estimate.tools)})" if calls else ""
    return f"{count(estimate.model_calls, 'request')} to the model, {count(tokens, 'token')}, {cost}{tools}"


def _short(value: Any) -> str:
    """A field of the plan in one line: a list by its items."""
    items = value if isinstance(value, list) else [value]
    text = ", ".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in items)
    text = " ".join(text.split())
    return text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"


def _live(asked: Mapping[str, Any]) -> str:
    """What is asked for first, and where: the lane `turn.2/call.1` in words."""
    kind, name = asked["kind"], asked["name"]
    what = {"model": "a request to the model", "tool": f"a call of {name}", "approval": f"an approval of {name}"}
    place = asked["lane"].replace(".", " ").replace("/", ", ")
    return f"{what.get(kind, name)}, {place}"
