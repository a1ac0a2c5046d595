"""Small runs to record: starts, ends and events with sensible values."""

from __future__ import annotations

from typing import Any

from agentcli.core.canonical import digest
from agentcli.core.events import Body, EffectKey, Event, RunCompleted, RunStarted, TurnStarted
from agentcli.core.ids import run_id
from agentcli.core.messages import Message
from agentcli.core.models import Usage
from agentcli.core.runs import RunEnd, RunStart

NOW = 1_795_000_000.0
MANIFEST = digest("manifest")


def start(number: int = 1, **changes: Any) -> RunStart:
    """The `number`-th run; a minute after the one before."""
    values = {"kind": "agent", "name": "reader", "task": "What is it?", "model": "fake:model", "manifest": MANIFEST}
    when = NOW + 60 * number
    return RunStart(**{"id": run_id(when, number * 7919 + 5), "started": when, **values, **changes})


def end(**changes: Any) -> RunEnd:
    """A good end."""
    values = {"status": "completed", "exit_code": 0, "ended": NOW + 5, "turns": 1, "usage": Usage(10, 2)}
    return RunEnd(**{**values, "cost_usd": 0.25, "duration_s": 5.0, **changes})


def event(log: Any, body: Body | None = None, **changes: Any) -> Event:
    """The next event of a log."""
    seq = log.last_seq + 1
    return Event(log.run, seq, **{"time": NOW + seq, "mono": float(seq), "body": body or TurnStarted(), **changes})


def model_key(ordinal: int) -> EffectKey:
    return EffectKey("", "model", "model", ordinal)


def started(task: str = "What is it?") -> RunStarted:
    return RunStarted("agent", "reader", "fake:model", task, {}, MANIFEST)


def completed(output: Any = "It is.") -> RunCompleted:
    return RunCompleted("completed", output, None, Usage(10, 2), 0.25, 5.0, 1, 0)


def said(text: str) -> Message:
    return Message("assistant", text)


async def whole_run(journal: Any, number: int = 1, **changes: Any) -> str:
    """Record a run of two events."""
    log = journal.begin(start(number, **changes))
    log.append(event(log, started()))
    log.append(event(log, completed()))
    await log.end(end())
    return str(log.run)
