"""The one thread of a process that writes the journal.

What is asked of it is gathered and committed together: at once when somebody waits for the disk, else a few
milliseconds after the first of it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import BlobReader
from agentcli.journal.faults import storage_error
from agentcli.journal.locks import RunLocks, Turnstile
from agentcli.journal.operations import Operation, Sync, touch
from agentcli.journal.schema import open_writer

GROUP_S = 0.005
"""Commits that nobody waits for are so far apart."""

QUEUE_BYTES = 64 * 1024 * 1024
"""What may wait for the disk; who adds beyond it waits too."""

PATIENCE_S = 60.0
"""How long to wait for the disk, or for another process's turn, before giving up."""

if TYPE_CHECKING:
    from concurrent.futures import Future

Waiting: TypeAlias = "Future[None]"


@value(frozen=True, slots=True)
class Order:
    """An operation, and who waits until it is safe on disk."""

    operation: Operation
    waiting: Waiting | None = None


class Writer:
    """Queue, thread and connection. Any thread may submit; `open` and `close` are its owner's."""

    def __init__(self, path: Path, files: BlobFiles, turnstile: Turnstile, locks: RunLocks) -> None:
        self._path = path
        self._files = files
        self._turnstile = turnstile
        self._locks = locks
        self._database: sqlite3.Connection | None = None
        self._unsynced = False
        self._thread: threading.Thread | None = None
        self._state = threading.Condition()
        self._orders: list[Order] = []
        self._later: deque[Operation] = deque()
        self._bytes = 0
        self._urgent = False
        self._closing = False

    # -- the callers' side --------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it is connected and at work."""
        return self._thread is not None

    def open(self) -> None:
        """Connect and start, if that is not done yet: problems show here. Raises StorageError."""
        if self._closing:
            raise _closed(self._path)
        if self._thread is None:
            self._connect()
            self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
            self._thread.start()

    def renew(self) -> None:
        """Connect once, which brings an older journal to the newest schema. Raises StorageError, OSError."""
        try:
            with self._turnstile.turn():
                open_writer(self._path).close()
        except sqlite3.Error as error:
            raise storage_error(error, self._path) from error

    def submit(self, *operations: Operation, waiting: Waiting | None = None) -> None:
        """Have them done, all in one transaction. Returns at once unless too much waits already. Raises StorageError.

        `waiting` is told when they are safe on disk.
        """
        with self._state:
            if self._bytes > QUEUE_BYTES and not self._state.wait_for(self._has_room, PATIENCE_S):
                raise _stuck(self._path)
            if self._closing:
                raise _closed(self._path)
            wakes = waiting is not None or not self._orders
            self._orders += (Order(operation) for operation in operations[:-1])
            self._orders.append(Order(operations[-1], waiting))
            self._bytes += sum(operation.size for operation in operations)
            self._urgent = self._urgent or waiting is not None
            if wakes:
                self._state.notify_all()

    def submit_later(self, operations: Iterable[Operation]) -> None:
        """Have them done, each by itself, when there is nothing else to do; at the latest before the journal closes."""
        with self._state:
            self._later.extend(operations)
            self._state.notify_all()

    def perform(self, operation: Operation) -> None:
        """Have it done, and wait until it is safe on disk. Raises StorageError."""
        from concurrent.futures import Future

        waiting: Waiting = Future()
        self.submit(operation, waiting=waiting)
        try:
            waiting.result(PATIENCE_S)
        except TimeoutError as error:
            raise self.stuck() from error

    def close(self) -> None:
        """Write what is left, and stop. Raises StorageError if the disk does not take it in time."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            if self._thread.is_alive():
                raise _stuck(self._path)
            self._thread = None
        self._turnstile.close()

    def stuck(self) -> StorageError:
        """The error for who has waited too long."""
        return _stuck(self._path)

    def _has_room(self) -> bool:
        return self._bytes <= QUEUE_BYTES or self._closing

    # -- the thread's side --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while orders := self._next():
            self._carry_out(orders)
        self._disconnect()
        self._locks.sweep()

    def _next(self) -> list[Order]:
        """What to do next; nothing once all is done and the journal closes."""
        with self._state:
            self._state.wait_for(lambda: self._orders or self._later or self._closing)
            if not self._orders and self._later:
                return [Order(self._later.popleft())]
            self._state.wait_for(lambda: self._urgent or self._closing, GROUP_S)
            orders, self._orders = self._orders, []
            self._bytes, self._urgent = 0, False
            self._state.notify_all()
        return orders

    def _carry_out(self, orders: Sequence[Order]) -> None:
        chains = {id(order.operation.chain): order.operation.chain for order in orders}
        orders = [order for order in orders if not _refused(order)]
        before = [(chain, chain.head, chain.n) for chain in chains.values()]
        try:
            self._commit(orders)
        except Exception as error:
            for chain, head, n in before:
                chain.head, chain.n = head, n
            self._disconnect()
            self._part(orders, _explained(error, self._path))
        else:
            for order in orders:
                _resolve(order.waiting, None)

    def _part(self, orders: Sequence[Order], error: StorageError) -> None:
        """After a failure: one run's trouble is not the others', so each is tried by itself."""
        runs: dict[int, list[Order]] = {}
        for order in orders:
            runs.setdefault(id(order.operation.chain), []).append(order)
        if len(runs) > 1:
            for some in runs.values():
                self._carry_out(some)
            return
        for order in orders:
            order.operation.chain.failure = error
            _resolve(order.waiting, error)

    def _commit(self, orders: Sequence[Order]) -> None:
        if not self._unsynced and all(isinstance(order.operation, Sync) for order in orders):
            return
        database = self._connect()
        blobs = BlobReader(database, self._files)
        for order in orders:
            order.operation.prepare(blobs)
        durable = any(order.waiting for order in orders)
        with self._turnstile.turn():
            # Not allowed inside a transaction. FULL syncs the log at the commit, and all that was written to it before.
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            try:
                _write(orders, database, blobs)
                database.execute("COMMIT")
            except BaseException:
                database.rollback()  # does nothing where SQLite has done it
                raise
        self._unsynced = not durable

    def _connect(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                with self._turnstile.turn():
                    self._database = open_writer(self._path)
            except (sqlite3.Error, OSError) as error:
                raise storage_error(error, self._path) from error
        return self._database

    def _disconnect(self) -> None:
        """Closing the last connection moves the log into the database: a write, so it needs the turn."""
        database, self._database = self._database, None
        if database is not None:
            with self._turnstile.turn():
                database.close()


def _write(orders: Sequence[Order], database: sqlite3.Connection, blobs: BlobReader) -> None:
    before = database.total_changes
    for order in orders:
        order.operation.write(database, blobs)
    if database.total_changes == before:
        touch(database, orders[0].operation.chain)


def _refused(order: Order) -> bool:
    """Nothing more is written for a run after a failure: its record would have a hole."""
    failure = order.operation.chain.failure
    if failure is not None:
        _resolve(order.waiting, failure)
    return failure is not None


def _resolve(waiting: Waiting | None, error: StorageError | None) -> None:
    if waiting is None or not waiting.set_running_or_notify_cancel():
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)


def _explained(error: Exception, path: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, (sqlite3.Error, OSError)):
        return storage_error(error, path)
    return StorageError(
        "E-JOURNAL-IO",
        f"Writing the journal failed: {path}.",
        why=f"{type(error).__name__}: {error}.",
        fix="Run again with -v for the trace, and report it.",
    )


def _stuck(path: Path) -> StorageError:
    return StorageError(
        "E-JOURNAL-BUSY",
        f"The journal does not take what is written to it: {path}.",
        why=f"Nothing was committed for {PATIENCE_S:g} s: a stalled disk, or a suspended process that holds its lock.",
        fix="Find what holds the journal and end it.",
    )


def _closed(path: Path) -> StorageError:
    return StorageError(
        "E-JOURNAL-CLOSED",
        f"The journal is closed: {path}.",
        why="The command that opened it has ended.",
        fix="Run the command again.",
    )
