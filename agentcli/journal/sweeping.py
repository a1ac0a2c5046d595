"""Removing contents that nothing needs any more: their rows, the packs that they leave empty, their files.

Rows are removed in an order in which whatever stays keeps what it leans on: first those that lean on another content,
then the others, last the packs. What is spared at the last moment, since somebody noted it, spares what is below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from agentcli.core.values import value
from agentcli.journal.blob_files import FILES, BlobFiles
from agentcli.journal.blobs import BlobReader
from agentcli.journal.marking import Marks, Notes
from agentcli.journal.packing import Coding
from agentcli.journal.packs import packs_of
from agentcli.journal.slices import Slices

PAGE: Final = 1_000
"""Rows that are looked through at a time."""

_FOLDER = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"([0-9a-f]{62})(\.z)?")
_DRAFT = re.compile(r"\.([0-9a-f]{16})\.[0-9a-f]{16}")


@value(frozen=True, slots=True)
class _Row:
    """A content that may go."""

    n: int
    digest: bytes
    coding: int


class Sweep:
    """One sweep. `removed` counts contents. Raises sqlite3.Error, OSError."""

    def __init__(self, slices: Slices, files: BlobFiles, marks: Marks, notes: Notes) -> None:
        self.removed = 0
        self._slices = slices
        self._database = slices.database
        self._files = files
        self._marks = marks
        self._notes = notes
        (self._last,) = self._one("SELECT coalesce(max(n), 0) FROM blobs")
        self._unlink: list[_Row] = []

    def contents(self) -> None:
        """Remove the rows and files that nothing needs, and the packs that are left with little or nothing."""
        self._rows((Coding.DEFLATE_BASE,))
        leaned = frozenset(n for (n,) in self._database.execute("SELECT DISTINCT base FROM blobs WHERE coding = 3"))
        kept_in_files = {int(coding) for coding in FILES}
        inline = [coding for coding in Coding if coding not in {Coding.DEFLATE_BASE, Coding.PACK, *kept_in_files}]
        self._rows(inline, leaned)
        self._rows(FILES, leaned, files=True)
        self._repack()
        self._packs()

    def strays(self) -> None:
        """Remove files that no row names, and what writers that were killed have begun: the rest of a crash."""
        self._slices.each(self._stray_files(), self._remove_stray, before=self._notes.read)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _rows(self, codings: Iterable[int], leaned: frozenset[int] = frozenset(), *, files: bool = False) -> None:
        """Remove what is kept in one of these ways; the files of it once the rows are gone for good."""
        pages = self._dead(tuple(map(int, codings)), leaned)
        after = self._unlink_all if files else None
        self._slices.each(pages, self._remove, before=self._notes.read, after=after, durable=files)

    def _dead(self, codings: tuple[int, ...], leaned: frozenset[int]) -> Iterator[list[_Row]]:
        query = """SELECT n, digest, coding FROM blobs WHERE n > ? AND n <= ? AND instr(?, ' ' || coding || ' ')
                   ORDER BY n LIMIT ?"""
        wanted = f" {' '.join(map(str, codings))} "
        after = 0
        while page := self._database.execute(query, (after, self._last, wanted, PAGE)).fetchall():
            after = page[-1][0]
            yield [_Row(*row) for row in page if row[1] not in self._marks and row[0] not in leaned]

    def _remove(self, row: _Row) -> None:
        if row.digest in self._notes:
            return
        gone = self._database.execute("DELETE FROM blobs WHERE n = ? AND digest = ?", (row.n, row.digest)).rowcount
        self.removed += gone
        if gone and row.coding in FILES:
            self._unlink.append(row)

    def _unlink_all(self) -> None:
        rows, self._unlink = self._unlink, []
        for row in rows:
            path = self._files.path(row.digest, Coding(row.coding))
            self._files.remove(path.parent.name, path.name)

    # -- packs --------------------------------------------------------------------------------------------------

    def _repack(self) -> None:
        """Put what is left of a pack, where that is less than half, into another one."""
        left = dict(self._database.execute("SELECT base, sum(size) FROM blobs WHERE coding = 7 GROUP BY base"))
        sizes = self._database.execute("SELECT n, size FROM blobs WHERE coding = 6")
        sparse = {n for n, size in sizes if n in left and left[n] * 2 < size}
        if not sparse:
            return
        members = self._database.execute("SELECT base, n, digest FROM blobs WHERE coding = 7 ORDER BY base, n")
        digests = [digest for base, _, digest in members if base in sparse]
        blobs = BlobReader(self._database, self._files)
        packs = packs_of(digests, blobs, (Coding.MEMBER,))
        self._slices.each(([pack] for pack in packs), lambda pack: pack.write(self._database))

    def _packs(self) -> None:
        used = {base for (base,) in self._database.execute("SELECT DISTINCT base FROM blobs WHERE coding = 7")}
        packs = self._database.execute("SELECT n FROM blobs WHERE coding = 6 AND n <= ?", (self._last,)).fetchall()
        empty = [n for (n,) in packs if n not in used]
        delete = "DELETE FROM blobs WHERE n = ? AND coding = 6"
        self._slices.each([empty], lambda n: self._database.execute(delete, (n,)))

    # -- files --------------------------------------------------------------------------------------------------

    def _stray_files(self) -> Iterator[list[tuple[str, str, bytes]]]:
        for folder in _names(self._files, ""):
            if _FOLDER.fullmatch(folder):
                yield [(folder, *file) for file in self._strays_in(folder)]

    def _strays_in(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Names of files that look like strays, with the digests that they are noted by."""
        for name in _names(self._files, folder):
            if file := _FILE.fullmatch(name):
                digest = bytes.fromhex(folder + file[1])
                if not self._is_kept(digest, name):
                    yield name, digest
            elif draft := _DRAFT.fullmatch(name):
                yield name, bytes.fromhex(folder + draft[1][:14])

    def _remove_stray(self, stray: tuple[str, str, bytes]) -> None:
        folder, name, digest = stray
        if digest not in self._notes and not self._is_kept(digest, name):
            self._files.remove(folder, name)

    def _is_kept(self, digest: bytes, name: str) -> bool:
        """Whether a row says that the content lies in a file of this name."""
        place = BlobReader(self._database, self._files).place(digest)
        return place is not None and place[1] in FILES and self._files.path(digest, Coding(place[1])).name == name

    def _one(self, query: str) -> Sequence[Any]:
        found: Sequence[Any] = self._database.execute(query).fetchone()
        return found


def _names(files: BlobFiles, folder: str) -> list[str]:
    """What stands in a folder of contents; nothing where there is none, or only a link to one."""
    path = files.folder / folder
    return sorted(entry.name for entry in path.iterdir()) if path.is_dir() and not path.is_symlink() else []
