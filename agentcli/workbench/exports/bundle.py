"""A run in one file that `agentcli runs import` takes in."""

from __future__ import annotations

from agentcli.journal.bundle import IMPORTED, SUFFIX, pack
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """Everything that is on record. Raises StorageError: E-BLOB-MISSING, E-JOURNAL-DAMAGED, E-BUNDLE-TOO-LARGE.

    That the run was taken in from elsewhere is not said: exported again it is the bundle that it came in.
    """
    row = record.row
    tags = [tag for tag in row.tags if tag != IMPORTED]
    contents = {digest: record.read(digest) for digest, _ in record.named}
    data = pack(row.start, record.events, row.end, tuple(contents.items()), tags)
    return (ExportedFile(row.start.id + SUFFIX, data),)
