"""Taking in a run that another journal recorded: under its own id, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256

from agentcli.core.events import Event
from agentcli.core.runs import RunEnd, RunStart
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.blobs import BlobReader
from agentcli.journal.foreign import RUN_ID, fault_of_row
from agentcli.journal.locks import OwnerLock
from agentcli.journal.operations import Append, Begin, Chain, End, Operation, Put, SetTags
from agentcli.journal.records import Record, line_of, origin, seal, take


@value(frozen=True, slots=True)
class ForeignRun:
    """A run as it is to stand here. Its chain is computed anew."""

    start: RunStart
    records: tuple[Record, ...]
    end: RunEnd | None

    def mark(self) -> bytes:
        """A hash over all of it: two runs with the same one are the same."""
        head = origin(self.start)
        for record in self.records:
            head = line_of(record, [sha256(data).digest() for _, data in record.contents]).hash(self.start.id, head)
        return head if self.end is None else seal(head, self.end)


def foreign(start: RunStart, events: Iterable[Event], end: RunEnd | None) -> ForeignRun:
    """Look at a run before any of it is written. Raises ValueError or TypeError for what no run has."""
    if RUN_ID.fullmatch(start.id) is None:
        raise ValueError(f"not a run id: {start.id!r}")
    status = end.status if end else "running"
    fault = fault_of_row(start.id, start.kind, start.started, start.parent, start.relation, status)
    if fault is not None:
        raise ValueError(fault)
    records = tuple(take(event) for event in events)
    for seq, record in enumerate(records, 1):
        if (record.event.run, record.event.seq) != (start.id, seq):
            raise ValueError(f"event {record.event.seq} of run {record.event.run} is not event {seq} of {start.id}")
    return ForeignRun(start, records, end)


class Import:
    """Write a whole run in one transaction."""

    def __init__(self, run: ForeignRun, contents: Iterable[bytes], tags: Iterable[str], lock: OwnerLock) -> None:
        self.chain = Chain(run.start.id, origin(run.start), lock=lock)
        self._parts: Sequence[Operation] = (
            Begin(self.chain, run.start, alone=True),
            *(Put(self.chain, data, sha256(data).digest()) for data in contents),
            *(Append(self.chain, record) for record in run.records),
            *(() if run.end is None else (End(self.chain, run.end),)),
            SetTags(self.chain, add=tuple(tags)),
        )
        self.size = sum(part.size for part in self._parts)

    def prepare(self, blobs: BlobReader) -> None:
        """Compress its contents."""
        for part in self._parts:
            part.prepare(blobs)

    def write(self, database: sqlite3.Connection, blobs: BlobReader) -> None:
        """Insert its row, contents, events and tags."""
        for part in self._parts:
            part.write(database, blobs)


def taken(run: str) -> StorageError:
    """The error for an id under which another run stands here."""
    return StorageError(
        "E-RUN-EXISTS",
        f"Another run {run} is in this journal already.",
        why="An id names one run, and its record here is not the one that comes in.",
        fix="Take it into another project: `agentcli --project DIR runs import`.",
    )
