"""The rows of `--each` as far as they are on record: all that a replay needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from agentcli.catalog.inputs import convert
from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Body, Event, RowCompleted, RowsRead
from agentcli.engine.limits import Budget
from agentcli.engine.workflow.row_ports import Entry
from agentcli.errors import StorageError
from agentcli.workbench.workflow_terms import WorkflowTerms


class RecordedRows:
    """See `Rows`. `blob` gives a content by its digest."""

    def __init__(self, blob: Callable[[Digest], bytes], terms: WorkflowTerms) -> None:
        self._blob = blob
        self._specs = terms.templates[terms.plan.workflow].inputs
        self._common = terms.plan.inputs

    def part(self, content: Digest) -> list[Entry]:
        """See `Rows`."""
        rows = decode(self._blob(content))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise StorageError(
                "E-JOURNAL-DAMAGED",
                f"The content {content[:12]} holds no rows.",
                why="The journal was changed, or written by another program.",
                fix="Check it with `agentcli runs verify`.",
            )
        return rows

    def inputs(self, given: Json) -> dict[str, Any]:
        """See `Rows`. What a row says comes before what all have in common."""
        return convert(self._specs, {**self._common, **given})

    def done(self, row: int, given: Json, end: RowCompleted) -> None:
        """Nobody is told."""

    async def read(self) -> RowsRead:
        """Never."""
        _refuse()

    def new_run(self) -> str:
        """Never."""
        _refuse()

    async def run(self, started: Event, inputs: dict[str, Any], spent: Budget, again: bool) -> Body:
        """Never."""
        _refuse()


def _refuse() -> NoReturn:
    raise AssertionError("a replay ran a row")
