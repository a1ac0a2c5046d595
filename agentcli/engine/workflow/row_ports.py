"""What a workflow that is run for each of many rows needs beside the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from agentcli.core.canonical import Digest, Json
from agentcli.core.events import Body, Event, RowCompleted, RowsRead
from agentcli.engine.limits import Budget

Entry = Mapping[str, Json]
"""A row as it was read: its `input`, and the `error` that it is where it cannot be one."""


class Rows(Protocol):
    """The rows, and the run that each of them gets."""

    async def read(self) -> RowsRead:
        """Some more of the rows, kept by content. Raises RunError, UsageError."""

    def part(self, content: Digest) -> list[Entry]:
        """Rows that were read. Raises StorageError."""

    def inputs(self, given: Json) -> dict[str, Any]:
        """A row's inputs, converted and complete. Raises UsageError E-INPUT-…."""

    def new_run(self) -> str:
        """The id of a run that no other one has."""

    async def run(self, started: Event, inputs: dict[str, Any], spent: Budget, again: bool) -> Body:
        """The end of the row's run: begun now, gone on with, or what it was; with `again` a failure is not its end.

        `started` is the event of the row's beginning. `spent` is what all rows that are done have used.
        """

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        """The row has come to an end that stays. Every row does, in whatever order."""
