"""The bodies of a workflow's events: what becomes of its steps.

The envelope names the step and its lane; a `foreach` item, a try and a nested workflow's steps have lanes below it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from agentcli.core.event_bodies import Body
from agentcli.core.values import value
from agentcli.errors import ErrorInfo

StepAction = Literal["prompt", "tool", "workflow", "switch"]
Unmet = Literal["when", "need", "fallback"]
OnFailure = Literal["stop", "continue", "ignore", "fallback"]
DEALT_WITH: Final = ("ignore", "fallback")
"""What is done about a failure so that the run itself has not failed."""


@value(frozen=True, slots=True)
class StepStarted(Body):
    """A step begins, or one item of it. `items` is how many it has; None where it is not over a list."""

    type: ClassVar[str] = "step.started"
    action: StepAction
    items: int | None = None


@value(frozen=True, slots=True)
class StepCompleted(Body):
    """A step, or one item of it, has its output."""

    type: ClassVar[str] = "step.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("output",)
    output: Any


@value(frozen=True, slots=True)
class StepSkipped(Body):
    """A step was not begun. `because` is its `when`, a `need` that failed, or that it is a `fallback` nobody needed."""

    type: ClassVar[str] = "step.skipped"
    because: Unmet
    reason: str


@value(frozen=True, slots=True)
class StepRetried(Body):
    """A try of a step came to nothing; the next one begins after `wait_s` seconds."""

    type: ClassVar[str] = "step.retried"
    attempt: int
    error: ErrorInfo
    wait_s: float


@value(frozen=True, slots=True)
class StepFailed(Body):
    """A step, or one item of it, has come to nothing. `then` is what that does to the others."""

    type: ClassVar[str] = "step.failed"
    error: ErrorInfo
    then: OnFailure


@value(frozen=True, slots=True)
class StepCancelled(Body):
    """A step was stopped before its end, or before it began."""

    type: ClassVar[str] = "step.cancelled"
    reason: str
