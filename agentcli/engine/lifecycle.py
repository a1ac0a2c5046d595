"""A run from its first event to its last, whatever happens between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from agentcli.core.events import RunCompleted, RunStarted
from agentcli.core.models import Usage
from agentcli.core.runs import STATUS_OF_EXIT, RunEnd, RunStatus
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget
from agentcli.engine.ports import RunLog
from agentcli.engine.scope import Scope
from agentcli.errors import AgentcliError, ErrorInfo, RunError, sentence

T = TypeVar("T")


@dataclass(slots=True)
class Interrupt:
    """How a run is stopped from outside: who cancels its task says with which exit code it ends (130, 143)."""

    exit_code: int = 130


@value(frozen=True, slots=True)
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


@value(frozen=True, slots=True)
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
    admission: Admission,
    *,
    seconds: float | None = None,
    alone: bool = True,
) -> RunOutcome:
    """Record `run.started`, do `main`, record `run.completed`. Never raises for what happens in between.

    `seconds` is the limit of time of the terms in force, which is held; a replay has none, it takes the time that was
    recorded. A run that is part of another one, and so not `alone`, begins without a barrier: until it does what must
    not be done twice, which has one of its own, it may as well begin anew.

    Cancelling it ends the run as cancelled and returns; once the run has ended, that comes too late.
    If the journal cannot be written any more, the run stops, is left as interrupted on disk, and the outcome says so.
    """
    begun = door.clock.monotonic() - door.spent
    root = Scope()
    try:
        door.emit(started, root)
        if alone:
            await door.barrier()
        if seconds is not None:
            door.limit_time(seconds)
        ending = _Ending(0, await main(root))
    except asyncio.CancelledError:
        _stay_alive()
        ending = _Ending(interrupt.exit_code, error=_cancelled(interrupt.exit_code))
    except Exception as error:
        ending = _failed(error)
    if ending.error is not None:
        ending = replace(ending, error=admission.admit_error(ending.error))
    duration_s = round(door.clock.monotonic() - begun, 6)
    return await to_the_end(_finish(door, log, budget, ending, duration_s))


async def _finish(door: Effects, log: RunLog, budget: Budget, ending: _Ending, duration_s: float) -> RunOutcome:
    """Append the last event and show it to nobody before it is safe on disk."""
    status = STATUS_OF_EXIT.get(ending.exit_code, "failed")
    usage, cost, turns = budget.usage, budget.cost_usd, budget.turns
    body = RunCompleted(status, ending.output, ending.error, usage, cost, duration_s, turns, ending.exit_code)
    end = RunEnd(status, ending.exit_code, door.clock.now(), turns, usage, cost, duration_s)
    try:
        with door.held_back():
            door.emit(body, Scope())
            await log.end(end)
    except Exception as error:
        await log.abandon()
        ending = _failed(error)
        status = "failed"
    return RunOutcome(
        door.run,
        status,
        ending.output,
        ending.error,
        ending.exit_code,
        usage,
        cost,
        duration_s,
        turns,
        ending.cause,
    )


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work, however often this task is cancelled meanwhile: that comes too late."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            _stay_alive()
    return task.result()


def _failed(error: Exception) -> _Ending:
    if isinstance(error, AgentcliError):
        output = error.output if isinstance(error, RunError) else None
        return _Ending(error.exit_code, output, error.info, error)
    return _Ending(1, error=_internal(error), cause=error)


def _stay_alive() -> None:
    """The cancellation was meant for the run's work; the task itself goes on, to write the end."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass


def _cancelled(exit_code: int) -> ErrorInfo:
    name = "SIGTERM" if exit_code == 143 else "an interrupt"
    return ErrorInfo(
        "E-RUN-CANCELLED",
        f"The run was stopped by {name}.",
        "It was told to end before its work was done.",
        "What it did is on record: see `agentcli runs show last`.",
    )


def _internal(error: Exception) -> ErrorInfo:
    return ErrorInfo(
        "E-INTERNAL",
        f"Something went wrong inside agentcli: {type(error).__name__}.",
        sentence(str(error)) or "This is a mistake in agentcli, not in what you did.",
        "Run it again with -v to see where, and report that.",
    )
