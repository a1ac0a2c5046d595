"""A run from its first event to its last, whatever happens between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agentcli.core.events import RunCompleted, RunStarted
from agentcli.core.models import Usage
from agentcli.core.runs import STATUS_OF_EXIT, RunEnd, RunStatus
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget
from agentcli.engine.ports import RunLog
from agentcli.engine.scope import Scope
from agentcli.errors import AgentcliError, ErrorInfo, StorageError


@dataclass(slots=True)
class Interrupt:
    """How a run is stopped from outside: who cancels its task says with which exit code it ends (130, 143)."""

    exit_code: int = 130


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `cause` is the exception behind an `E-INTERNAL`, for a trace with -v."""

    run: str
    status: RunStatus
    output: Any
    error: ErrorInfo | None
    exit_code: int
    usage: Usage
    cost_usd: float | None
    duration_s: float
    turns: int
    cause: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    exit_code: int
    output: Any = None
    error: ErrorInfo | None = None
    cause: BaseException | None = None


async def execute(
    door: Effects,
    log: RunLog,
    budget: Budget,
    started: RunStarted,
    main: Callable[[Scope], Awaitable[Any]],
    interrupt: Interrupt,
) -> RunOutcome:
    """Record `run.started`, do `main`, record `run.completed`. Never raises for what happens in between.

    Cancelling it ends the run as cancelled and returns. If the journal cannot be written any more, the run stops, is
    left as interrupted on disk, and the outcome says so.
    """
    begun = door.clock.monotonic()
    root = Scope()
    try:
        door.emit(started, root)
        await door.barrier()
        if budget.limits.seconds is not None:
            door.limit_time(budget.limits.seconds)
        ending = _Ending(0, await main(root))
    except asyncio.CancelledError:
        _stay_alive()
        ending = _Ending(interrupt.exit_code, error=_cancelled(interrupt.exit_code))
    except AgentcliError as error:
        ending = _Ending(error.exit_code, error=error.info, cause=error)
    except Exception as error:
        ending = _Ending(1, error=_internal(error), cause=error)
    return await _finish(door, log, budget, ending, door.clock.monotonic() - begun)


async def _finish(door: Effects, log: RunLog, budget: Budget, ending: _Ending, duration_s: float) -> RunOutcome:
    status = STATUS_OF_EXIT.get(ending.exit_code, "failed")
    duration_s = round(duration_s, 6)
    body = RunCompleted(
        status=status,
        output=ending.output,
        error=ending.error,
        usage=budget.usage,
        cost_usd=budget.cost_usd,
        duration_s=duration_s,
        turns=budget.turns,
        exit_code=ending.exit_code,
    )
    try:
        await asyncio.shield(_close(door, log, body))
    except StorageError as error:
        await log.abandon()
        ending = _Ending(error.exit_code, error=error.info, cause=error)
        status = "failed"
    return RunOutcome(
        door.run,
        status,
        ending.output,
        ending.error,
        ending.exit_code,
        budget.usage,
        budget.cost_usd,
        duration_s,
        budget.turns,
        ending.cause,
    )


async def _close(door: Effects, log: RunLog, body: RunCompleted) -> None:
    """Append the last event and show it to nobody before it is safe on disk."""
    ended = door.clock.now()
    with door.held_back():
        door.emit(body, Scope())
        end = RunEnd(body.status, body.exit_code, ended, body.turns, body.usage, body.cost_usd, body.duration_s)
        await log.end(end)


def _stay_alive() -> None:
    """The cancellation was meant for the run's work; the task itself goes on, to write the end."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass


def _cancelled(exit_code: int) -> ErrorInfo:
    name = "SIGTERM" if exit_code == 143 else "an interrupt"
    return ErrorInfo(
        "E-RUN-CANCELLED", f"The run was stopped by {name}.", "", "What it did is on record: `agentcli runs show last`."
    )


def _internal(error: Exception) -> ErrorInfo:
    return ErrorInfo(
        "E-INTERNAL",
        f"Something in agentcli failed: {type(error).__name__}.",
        str(error),
        "Run again with -v for the trace, and report it.",
    )
