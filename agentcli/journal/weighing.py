"""What runs take in a journal, and what comes free without some of them: told before anything is done."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from agentcli.journal.blob_files import FILES, BlobFiles, bytes_of
from agentcli.journal.locks import NOTE
from agentcli.journal.marking import Marks
from agentcli.journal.packing import Coding
from agentcli.journal.reading import EventReader

_OTHER_PAGES = 2
"""Pages of an empty journal that are of no table: the schema, and where pages are."""

_ROW = 40
"""Bytes of a row beside its values, about."""

_EVENTS = "SELECT run, sum(length(body) + length(digests) + length(lane) + ?) FROM events GROUP BY run"
_CONTENTS = (
    "SELECT n, digest, size, coding, base, length(data) FROM blobs WHERE coding != 6 AND n > ? ORDER BY n LIMIT ?"
)
_PAGE = 2_000


class Scales:
    """Weighs the runs of a journal. `disk` is what its files take now. Raises sqlite3.Error, OSError."""

    def __init__(self, reader: EventReader, files: BlobFiles) -> None:
        self._reader = reader
        self._files = files
        self.disk = bytes_of(reader.path, files)
        database = reader.database
        free, page = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
        self._free: int = free * page
        (tables,) = database.execute("SELECT count(*) FROM sqlite_schema WHERE rootpage > 0").fetchone()
        self._empty: int = (tables + _OTHER_PAGES) * page
        self.numbers: dict[str, tuple[int, bytes]] = {
            run: (n, manifest) for run, n, manifest in database.execute("SELECT id, n, manifest FROM runs")
        }
        self._events: dict[int, int] = dict(database.execute(_EVENTS, (_ROW,)))
        self._packs: dict[int, float] = dict(
            database.execute("SELECT n, 1.0 * length(data) / max(size, 1) FROM blobs WHERE coding = 6")
        )

    def freed(self, runs: Container[str]) -> int:
        """The bytes that come free on disk without these runs, about."""
        marks = Marks(self._reader)
        freed = 0
        for run, (n, manifest) in self.numbers.items():
            if run in runs:
                freed += self._events.get(n, 0)
            else:
                marks.mark(n, manifest)
        total = sum(self._events.values())
        for name, size in self._contents():
            total += size
            freed += 0 if name in marks.named or marks.unreadable else size
        return round(self._free + freed * self._scale(total))

    def weights(self) -> Weights:
        """For adding up runs one by one."""
        contents = dict(self._contents())
        scale = self._scale(sum(self._events.values()) + sum(contents.values()))
        return Weights(self._reader, self.numbers, self._events, contents, self._empty, scale)

    def _scale(self, total: int) -> float:
        """What a byte takes on disk: pages are never quite full."""
        return max(0, self.disk - self._free - self._empty) / max(total, 1)

    def _contents(self) -> Iterator[tuple[bytes, int]]:
        """The first bytes of each content's digest, and what it takes."""
        after = 0
        while page := self._reader.database.execute(_CONTENTS, (after, _PAGE)).fetchall():
            after = page[-1][0]
            for _, digest, *kept in page:
                yield digest[:NOTE], _ROW + self._kept(digest, *kept)

    def _kept(self, digest: bytes, size: int, coding: int, base: int | None, inline: int) -> int:
        if coding == Coding.MEMBER:
            return round(size * self._packs.get(base or 0, 1.0))
        return self._files.size(digest, Coding(coding)) if coding in FILES else inline


class Weights:
    """Runs added up one by one: what several share counts once.

    `empty` is what a journal takes without any; `scale` makes bytes on disk of bytes that are kept.
    """

    def __init__(
        self,
        reader: EventReader,
        numbers: dict[str, tuple[int, bytes]],
        events: dict[int, int],
        contents: dict[bytes, int],
        empty: int,
        scale: float,
    ) -> None:
        self._reader = reader
        self._numbers = numbers
        self._events = events
        self._contents = contents
        self._empty = empty
        self._scale = scale
        self._sum = 0

    def add(self, runs: Iterable[str]) -> int:
        """Add runs that are there: the bytes on disk of all that were added. Raises sqlite3.Error."""
        marks = Marks(self._reader)
        for n, manifest in map(self._numbers.__getitem__, runs):
            marks.mark(n, manifest)
            self._sum += self._events.get(n, 0)
        self._sum += sum(self._contents.pop(name, 0) for name in marks.named)
        return self._empty + round(self._sum * self._scale)
