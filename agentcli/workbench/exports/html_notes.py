"""What happened beside requests and calls, each in one line, as the page shows it."""

from __future__ import annotations

from typing import Final

from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    LimitReached,
    ModelFallback,
    ModelRetried,
    RunForked,
    RunResumed,
    StepCancelled,
    StepRetried,
    StepSkipped,
    Warned,
)
from agentcli.core.quantities import count, duration


def remark(event: Event) -> str:
    """The event in one line; its type, where there is nothing to say of it."""
    body = event.body
    if isinstance(body, ModelRetried):
        return f"Tried again after {duration(body.wait_s)}: {body.cause}"
    if isinstance(body, ModelFallback):
        return f"Went on with {body.model}: {body.cause}"
    if isinstance(body, ApprovalRequested):
        return f"Asked whether {body.tool} may be called, by the rule {body.rule}"
    if isinstance(body, ApprovalResolved):
        reason = f": {body.reason}" if body.reason else ""
        return f"{body.tool} was {_DECISIONS[body.decision]} by {body.by}{reason}"
    return _other(event)


_DECISIONS: Final = {"once": "allowed", "always": "allowed from then on", "no": "refused"}


def _other(event: Event) -> str:
    body = event.body
    if isinstance(body, LimitReached):
        return f"Limit reached: {body.limit}, {body.used:g} of {body.allowed:g}"
    if isinstance(body, Warned):
        return f"{body.what} ({body.code})"
    if isinstance(body, RunResumed):
        return "Resumed: the run went on from here"
    if isinstance(body, RunForked):
        return f"Forked from {body.origin} after event {count(body.cut)}"
    return _of_step(event)


def _of_step(event: Event) -> str:
    body = event.body
    if isinstance(body, StepSkipped):
        return f"Step {event.step} was skipped: {body.reason}"
    if isinstance(body, StepCancelled):
        return f"Step {event.step} was cancelled: {body.reason}"
    if isinstance(body, StepRetried):
        return f"Try {body.attempt} failed: {body.error.what}"
    return body.type
