"""The bodies of events of a workflow that is run for each of many rows: the rows as they were read, and their runs.

A row is named by its number, from 1. Each has the lane `row.N`, and a run of its own, unless nothing could be run for
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from agentcli.core.canonical import Digest
from agentcli.core.event_bodies import Body
from agentcli.core.models import Usage
from agentcli.core.runs import RunStatus
from agentcli.errors import ErrorInfo


@dataclass(frozen=True, slots=True)
class RowsRead(Body):
    """Some of the rows, read before the first of them is run. `count` rows, from the number `first` on.

    `content` holds them: a list of objects with the row's `input` and, where it cannot be one, an `error`. `more` says
    whether it goes on after them.
    """

    type: ClassVar[str] = "rows.read"
    source: str
    first: int
    count: int
    content: Digest
    more: bool


@dataclass(frozen=True, slots=True)
class RowStarted(Body):
    """A row begins. `child` is the id of its run; None where nothing can be run for it, which its end tells."""

    type: ClassVar[str] = "row.started"
    LARGE: ClassVar[tuple[str, ...]] = ("input",)
    row: int
    child: str | None
    input: Any


@dataclass(frozen=True, slots=True)
class RowCompleted(Body):
    """A row has come to its end, whatever that is: as its run's `run.completed` says it."""

    type: ClassVar[str] = "row.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("output",)
    row: int
    child: str | None
    status: RunStatus
    output: Any
    error: ErrorInfo | None
    usage: Usage
    cost_usd: float | None
    duration_s: float
    turns: int
