"""Which contents are still needed: those that runs on record name, and those that owners at work put or name.

A run that is written cannot be read to its end: what it has put is named by an event that may come much later, and what
it found in the journal it does not put again. So an owner notes both in its lock's file before it looks for them, and
the file stays there until nobody prunes any more. Who removes contents reads these notes in each of its turns: what was
named since it read the runs stands there.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from agentcli.journal.locks import NOTE, RunLocks
from agentcli.journal.named import mentioned_in, needed_in, plan_in
from agentcli.journal.reading import EventReader


class Marks:
    """What is needed, by the first bytes of the digests: enough to tell them apart, and where not, too much is kept.

    `unreadable` are the numbers of runs of which nobody can say what they need.
    """

    def __init__(self, reader: EventReader) -> None:
        self.unreadable: list[int] = []
        self.named: set[bytes] = set()
        self._reader = reader
        self._plans: set[bytes] = set()

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, bytes) and digest[:NOTE] in self.named

    def mark(self, n: int, manifest: bytes) -> None:
        """Mark what a run needs. Raises sqlite3.Error."""
        try:
            self._plan(manifest)
            for row in self._reader.rows(n):
                self.named.update(digest[:NOTE] for digest in mentioned_in(row))
                if (plan := plan_in(row)) is not None:
                    self._plan(plan)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.unreadable.append(n)

    def mark_all(self) -> None:
        """Mark what every run on record needs. Raises sqlite3.Error."""
        for n, manifest in self._reader.database.execute("SELECT n, manifest FROM runs").fetchall():
            self.mark(n, manifest)

    def _plan(self, digest: bytes) -> None:
        """A plan, and what it names. Raises KeyError, ValueError where it cannot be read."""
        if digest in self._plans:
            return
        self._plans.add(digest)
        self.named.add(digest[:NOTE])
        self.named.update(named[:NOTE] for named in needed_in(self._reader.blobs.read(digest)))


class Notes:
    """What the owners' files say, as far as they were read."""

    def __init__(self, locks: RunLocks) -> None:
        self._locks = locks
        self._noted: set[bytes] = set()
        self._open: dict[Path, BinaryIO] = {}

    def __contains__(self, digest: bytes) -> bool:
        return digest[:NOTE] in self._noted

    def read(self) -> None:
        """Read what was added. Raises OSError."""
        for path in self._locks.files():
            with suppress(FileNotFoundError):  # its owner ended just as this began
                file = self._at(path)
                added = file.read()
                whole = len(added) // NOTE * NOTE
                file.seek(whole - len(added), os.SEEK_CUR)
                self._noted.update(added[begin : begin + NOTE] for begin in range(0, whole, NOTE))

    def close(self) -> None:
        """Let go of the files."""
        while self._open:
            self._open.popitem()[1].close()

    def _at(self, path: Path) -> BinaryIO:
        """The file at the path, behind what was read: as long as it is open here, no other one gets its inode."""
        file = self._open.get(path)
        if file is None or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            if file is not None:
                file.close()
            file = self._open[path] = path.open("rb", buffering=0)
        return file
