"""Check that records are whole and as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agentcli.errors import CheckError, StorageError
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.journal.verifying import Verification


def verify_runs(bench: Workbench, refs: Sequence[str], *, everything: bool = False) -> Iterator[Verification]:
    """One result a run, as each is checked: those that the references name, or every run of the journal.

    Raises UsageError E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; CheckError E-VERIFY-DAMAGED where the journal itself cannot be
    read; StorageError.
    """
    try:
        if everything:
            yield from bench.journal.verify_all()
        else:
            runs = [bench.journal.find(ref).start.id for ref in refs]
            yield from map(bench.journal.verify, dict.fromkeys(runs))
    except StorageError as error:
        if error.code != "E-JOURNAL-DAMAGED":
            raise
        raise CheckError(
            "E-VERIFY-DAMAGED",
            error.info.what,
            why=error.info.why,
            fix="Restore the file from a copy, or move it away: `agentcli runs` then starts a new journal.",
        ) from error
