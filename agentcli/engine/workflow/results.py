"""What became of a step, as the steps after it see it, and what a failure is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.errors import (
    AgentcliError,
    DefinitionError,
    DeniedError,
    DivergenceError,
    ErrorInfo,
    LimitError,
    RunError,
    StorageError,
    UsageError,
)

StepStatus = Literal["completed", "skipped", "failed"]


@value(frozen=True, slots=True)
class StepResult:
    """A step that is over. `reason` says why it was skipped, or what stands in for its own output."""

    status: StepStatus
    output: Json = None
    error: ErrorInfo | None = None
    reason: str = ""
    lost: bool = False
    """Whether those that need it cannot go on: it failed, or was skipped because another one had."""

    @property
    def is_failure(self) -> bool:
        """Whether the workflow has failed with it: nobody said that it may be ignored, and nothing took its place."""
        return self.status == "failed" and self.lost

    def to_json(self) -> dict[str, Any]:
        """What `steps.ID` is in an expression."""
        error = self.error.what if self.error is not None else None
        return {"status": self.status, "output": self.output, "error": error, "reason": self.reason}


class PartlyError(RunError):
    """Some of a step's items failed; `output` holds what the others gave."""


def failure_of(error: AgentcliError) -> AgentcliError | None:
    """The error as a step's failure, which the workflow decides about; None where it ends the whole run whatever."""
    if isinstance(error, (DivergenceError, StorageError, DeniedError, LimitError)):
        return None
    if isinstance(error, (DefinitionError, UsageError)):  # found while it runs, in what came in: no file is wrong
        info = error.info
        return RunError(info.code, info.what, why=info.why, fix=info.fix)
    return error


def named(error: AgentcliError, step: str) -> AgentcliError:
    """The same error, which says the step that it happened in."""
    if not error.info.what.startswith("Step `"):
        error.info = replace(error.info, what=f"Step `{step}`: {error.info.what}")
    return error
