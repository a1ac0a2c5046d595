"""Whether a record is this user's own, as far as the journal tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.core.runs import RunRow
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


def is_ours(bench: Workbench, row: RunRow) -> bool:
    """Whether a run, and each run that it is a fork of, was recorded here: not imported, nor brought by a project.

    A fork holds the events of what it is a fork of. Where that is gone, nobody knows where they came from.
    """
    from agentcli.journal.bundle import IMPORTED

    if bench.project is not None and not bench.loaded.trusted:
        return False
    seen: set[str] = set()
    while IMPORTED not in row.tags and row.start.id not in seen:
        seen.add(row.start.id)
        if row.start.relation != "fork" or row.start.parent is None:
            return True
        try:
            row = bench.journal.find(row.start.parent)
        except UsageError:
            return False
    return False
