"""The journal of one run, held by its owner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from hashlib import sha256

from agentcli.core.canonical import Digest
from agentcli.core.events import Event
from agentcli.core.runs import RunEnd
from agentcli.errors import StorageError
from agentcli.journal.compacting import compactions
from agentcli.journal.locks import FileLock
from agentcli.journal.operations import Append, Begin, Chain, End, Operation, Put, Reopen, Sync
from agentcli.journal.records import take
from agentcli.journal.writer import PATIENCE_S, Waiting, Writer


class SqliteRunLog:
    """See `RunLog`. `last_seq` is the seq of the last event; 0 before the first.

    `first` begins the run, or takes its end back. It is done in one transaction with the first thing that is written:
    a run that is on record has its manifest. A run taken up again and given up at once stays as it was.
    """

    def __init__(
        self, chain: Chain, writer: Writer, lock: FileLock, last_seq: int = 0, first: Begin | Reopen | None = None
    ) -> None:
        self.run = chain.run
        self.last_seq = last_seq
        self._chain = chain
        self._writer = writer
        self._lock = lock
        self._first = first

    def put(self, data: bytes) -> Digest:
        """Keep the bytes by content. Raises StorageError if an earlier write failed, or the run is given up."""
        self._check()
        digest = sha256(data)
        self._submit(Put(self._chain, data, digest.digest()))
        return digest.hexdigest()

    def append(self, event: Event) -> None:
        """Add an event. Raises StorageError if an earlier write failed, ValueError for one that does not come next."""
        self.append_all((event,))

    def append_all(self, events: Sequence[Event], contents: Iterable[bytes] = ()) -> None:
        """Add events that follow each other, at least one, and contents: all of it is on record or nothing.

        Raises as `append` does.
        """
        self._check()
        for seq, event in enumerate(events, self.last_seq + 1):
            if event.seq != seq or event.run != self.run:
                raise ValueError(f"event {event.seq} of run {event.run} does not follow {seq - 1} of {self.run}")
        kept = (Put(self._chain, data, sha256(data).digest()) for data in contents)
        self._submit(*kept, *(Append(self._chain, take(event)) for event in events))
        self.last_seq = events[-1].seq

    async def barrier(self) -> None:
        """Returns when all that was appended and put is safe from a power cut. Raises StorageError."""
        self._check()
        await self._done(Sync(self._chain))

    async def end(self, end: RunEnd) -> None:
        """A barrier that also sets the run's row; gives up ownership even where it fails. Raises StorageError."""
        self._check()
        try:
            await self._done(End(self._chain, end))
        finally:
            self._lock.release(remove=True)
        self._writer.submit_later(compactions(self.run, self._chain.n, self.last_seq))

    async def abandon(self) -> None:
        """Write what can be written, and give up ownership without an end. Never raises."""
        if not self._lock.held:
            return
        if not isinstance(self._first, Reopen):
            with contextlib.suppress(StorageError):
                await self._done(Sync(self._chain))
        self._lock.release(remove=True)

    async def _done(self, operation: Operation) -> None:
        # Listing runs needs none of these.
        import asyncio
        from concurrent.futures import Future

        waiting: Waiting = Future()
        self._submit(operation, waiting=waiting)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wrap_future(waiting)
        except TimeoutError as error:
            raise self._writer.stuck() from error

    def _submit(self, *operations: Operation, waiting: Waiting | None = None) -> None:
        first, self._first = self._first, None
        self._writer.submit(*(operations if first is None else (first, *operations)), waiting=waiting)

    def _check(self) -> None:
        if self._chain.failure is not None:
            raise self._chain.failure
        if not self._lock.held:
            raise StorageError(
                "E-JOURNAL-CLOSED",
                f"The log of run {self.run} is closed.",
                why="The run has ended, or was given up.",
                fix="Start a new run.",
            )
