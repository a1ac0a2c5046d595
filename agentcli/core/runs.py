"""A run as it is listed: one row, derived from its events."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from agentcli.core.canonical import Digest
from agentcli.core.models import Usage
from agentcli.core.values import value

RunKind = Literal["agent", "workflow", "tool", "row"]
RunStatus = Literal["running", "interrupted", "completed", "failed", "cancelled", "limited", "denied"]
Relation = Literal["fork", "child", "session"]

STATUS_OF_EXIT: dict[int, RunStatus] = {
    0: "completed",
    4: "limited",
    5: "denied",
    130: "cancelled",
    143: "cancelled",
}
"""Exit codes that mean something else than `failed`."""


@value(frozen=True, slots=True)
class RunStart:
    """What is known when a run begins. `cut` is the seq of the parent's event that a fork starts after."""

    id: str
    kind: RunKind
    name: str
    task: str
    model: str | None
    manifest: Digest
    started: float
    parent: str | None = None
    relation: Relation | None = None
    cut: int | None = None


@value(frozen=True, slots=True)
class RunEnd:
    """What is known when a run ends. `ended` is Unix seconds; `cost_usd` None means a price was not known."""

    status: RunStatus
    exit_code: int
    ended: float
    turns: int
    usage: Usage
    cost_usd: float | None
    duration_s: float


@value(frozen=True, slots=True)
class RunRow:
    """A run in a listing. `end` is None while it runs and after a crash."""

    start: RunStart
    status: RunStatus
    end: RunEnd | None = None
    tags: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """One object of `runs list --json`; `started` is Unix seconds here, the CLI formats it."""
        end = self.end
        return {
            "id": self.start.id,
            "kind": self.start.kind,
            "name": self.start.name,
            "status": self.status,
            "started": self.start.started,
            "duration_s": end.duration_s if end else None,
            "turns": end.turns if end else None,
            "tokens": end.usage.total if end else None,
            "cost_usd": end.cost_usd if end else None,
            "parent": self.start.parent,
            "relation": self.start.relation,
            "cut": self.start.cut,
            "tags": list(self.tags),
        }


@value(frozen=True, slots=True)
class RunQuery:
    """What to list, newest first. `before` and `after` are Unix seconds; `children` also lists child runs.

    `model` is the `provider:model` that a run began with.
    """

    status: RunStatus | None = None
    name: str | None = None
    kind: RunKind | None = None
    model: str | None = None
    tag: str | None = None
    parent: str | None = None
    after: float | None = None
    before: float | None = None
    children: bool = False
    limit: int | None = 20
    offset: int = 0
