"""Changing much of a journal that others write meanwhile: a little at a time, with turns for them in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from agentcli.journal.locks import RunLocks, Turnstile
from agentcli.journal.schema import open_writer

SLICE_S: Final = 0.001
"""A transaction takes on new work for so long while runs go on; its commit comes on top."""

RESTS: Final = 2
"""While runs go on, so many times as long as a turn took it is theirs alone."""

ALONE_S: Final = 0.05
"""The same while none does: only who begins one just now waits."""

REST_S: Final = 0.0005
"""Whoever was woken by the end of a turn needs so long to take the next one."""

T = TypeVar("T")


class Slices:
    """A connection that writes, in short transactions. Raises sqlite3.Error, OSError, and StorageError from opening."""

    def __init__(self, path: Path, locks: RunLocks) -> None:
        self._locks = locks
        self._turnstile = turnstile = Turnstile(locks.folder / "turn")
        try:
            with turnstile.turn():
                self.database = open_writer(path)
        except BaseException:
            turnstile.close()
            raise

    def close(self) -> None:
        """Let go of it. The last connection that closes moves the log into the database: a write, so in a turn."""
        with self._turnstile.turn():
            self.database.close()
        self._turnstile.close()

    def each(
        self,
        pages: Iterable[Sequence[T]],
        work: Callable[[T], object],
        *,
        before: Callable[[], object] | None = None,
        after: Callable[[], object] | None = None,
        durable: bool = False,
    ) -> None:
        """Do the work for each thing. Pages are read between turns.

        `before` is called at the beginning of each transaction; `after` behind its commit, while nobody else has a turn
        yet. What is `durable` is safe from a power cut before `after` is called.
        """
        for page in pages:
            at = 0
            while at < len(page):
                with self._turnstile.turn():
                    begun, busy = time.perf_counter(), bool(self._locks.files())
                    with self._transaction(durable):
                        if before is not None:
                            before()
                        at = self._some(page, at, work, begun + (SLICE_S if busy else ALONE_S))
                    if after is not None:
                        after()
                    took = time.perf_counter() - begun
                time.sleep(took * RESTS if busy else REST_S)

    def alone(self, *statements: str) -> None:
        """Carry out what no transaction can hold, in one turn."""
        with self._turnstile.turn():
            for statement in statements:
                self.database.execute(statement).fetchall()

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[None]:
        database = self.database
        database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            database.rollback()  # does nothing where SQLite has done it
            raise

    @staticmethod
    def _some(page: Sequence[T], at: int, work: Callable[[T], object], until: float) -> int:
        """Do the work from one thing on, until the time is over: where to go on."""
        while at < len(page):
            work(page[at])
            at += 1
            if time.perf_counter() > until:
                break
        return at
