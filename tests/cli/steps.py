"""Events of a workflow's run, made by hand, for what renders them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from agentcli.core.events import (
    Body,
    Event,
    ModelDelta,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
    TurnStarted,
)
from agentcli.core.outlines import StepOutline
from agentcli.errors import ErrorInfo
from tests.cli.events import READ as READ
from tests.cli.events import RUN, STARTED, answered, done, model_started, run_completed, run_started, started

BROKEN = ErrorInfo("E-STEP-CALL", "The call was no success.", "It is down.", "Look at it.")
ENDED = ErrorInfo("E-STEPS-FAILED", "1 of 6 steps failed.", "`send`: The call was no success.", "Resume it.")

Told = tuple[Body, str]


def outlined(*steps: str | StepOutline, **changes: Any) -> RunStarted:
    """The first event of a workflow with these steps."""
    given = tuple(step if isinstance(step, StepOutline) else StepOutline(step) for step in steps)
    return run_started(kind="workflow", name="notes", task="", steps=given, **changes)


def happened(told: Sequence[Told], *, seconds: float = 1.0) -> list[Event]:
    """The events, each so many seconds after the one before it."""
    seq = count(1)
    return [
        Event(RUN, next(seq), STARTED + at, at, body, lane, None, turn_of(lane), step_of(lane))
        for at, (body, lane) in ((place * seconds, one) for place, one in enumerate(told))
    ]


def turn_of(lane: str) -> int | None:
    parts = [part for part in lane.split("/") if part.startswith("turn.")]
    return int(parts[-1].removeprefix("turn.")) if parts else None


def step_of(lane: str) -> str | None:
    return ".".join(part.removeprefix("step.") for part in lane.split("/") if part.startswith("step.")) or None


def asked(lane: str, text: str, **answer: Any) -> list[Told]:
    """One turn that gives an answer."""
    turn = f"{lane}/turn.1"
    return [
        (TurnStarted(), turn),
        (model_started(), turn),
        (ModelDelta(text, 0), turn),
        (answered(text, **answer), turn),
    ]


def prompted(lane: str, text: str, **answer: Any) -> list[Told]:
    """A step, or an item of one, that is a prompt."""
    return [(StepStarted("prompt"), lane), *asked(lane, text, **answer), (StepCompleted(text), lane)]


def failing(lane: str, then: Any = "continue") -> Told:
    return (StepFailed(BROKEN, then), lane)


STEPS: tuple[Told, ...] = (
    (
        outlined(
            StepOutline("list", "List the changes"), StepOutline("check", items=None), "send", "tell", "never", "sum"
        ),
        "",
    ),
    *prompted("step.list", '["a", "b", "c"]'),
    (StepSkipped("when", "Its `when` is false."), "step.never"),
    (StepStarted("prompt", 3), "step.check"),
    (StepStarted("prompt"), "step.check/item.1"),
    (StepStarted("prompt"), "step.check/item.2"),
    *asked("step.check/item.1", "fine"),
    (StepCompleted("fine"), "step.check/item.1"),
    *asked("step.check/item.2", "unclear"),
    failing("step.check/item.2"),
    (StepSkipped("when", "Its `when` is false."), "step.check/item.3"),
    (StepStarted("tool"), "step.send"),
    (started(READ), "step.send/call"),
    (done(READ, "error", "It is down."), "step.send/call"),
    (StepRetried(1, BROKEN, 2.0), "step.send"),
    (started(READ), "step.send/attempt.2/call"),
    (done(READ, "error", "It is down."), "step.send/attempt.2/call"),
    failing("step.send"),
    (StepSkipped("need", "It needs `send`, which failed."), "step.tell"),
    (StepCompleted(["fine", None, None]), "step.check"),
    (StepStarted("prompt"), "step.sum"),
    (StepCancelled("The workflow was stopped."), "step.sum"),
    (run_completed(None, ENDED, 1), ""),
)
"""A workflow of six steps with everything that can become of one."""

NESTED: tuple[Told, ...] = (
    (outlined(StepOutline("each", items=None), "last"), ""),
    (StepStarted("workflow", 2), "step.each"),
    (StepStarted("workflow"), "step.each/item.1"),
    *prompted("step.each/item.1/step.ask", "one"),
    (StepStarted("workflow"), "step.each/item.2"),
    (StepCompleted("one"), "step.each/item.1"),
    (StepStarted("prompt"), "step.each/item.2/step.ask"),
    *asked("step.each/item.2/step.ask", "two"),
)
"""A list of nested workflows, the second of which is under way."""
