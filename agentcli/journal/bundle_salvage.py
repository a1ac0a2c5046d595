"""What can be had of a damaged bundle: its run up to the first event that is not as it was written.

The header says by a hash of itself whether it is right, and by the marks of the events and the digests of the contents
what else is. An event is taken if all events before it are, its mark fits, it can be read, and every content that it
names is there: what comes of it is the run as it stood at that moment, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Event, RunCompleted, RunStarted
from agentcli.core.safe_text import safe
from agentcli.core.values import value
from agentcli.errors import StorageError, sentence
from agentcli.journal.bundle import CONTENTS, EVENTS, HEADER, MARK, MAX_HEADER, Header, marks_of
from agentcli.journal.bundle_archive import BROKEN
from agentcli.journal.bundle_lines import NewerError
from agentcli.journal.bundle_reading import (
    WRONG,
    Bundle,
    check_content,
    event_at,
    header_in,
    newer,
    read_bundle,
)
from agentcli.journal.bundle_remains import Remains
from agentcli.journal.named import Role, named_by, with_plans


@value(frozen=True, slots=True)
class Break:
    """Where a record breaks: the first event that is not to be had, the number of those that were written, and why."""

    at: int
    count: int
    why: str


@value(frozen=True, slots=True)
class Salvaged:
    """A run out of a bundle: all of it, where `broken` is None; else what comes before the break, without an end."""

    bundle: Bundle
    broken: Break | None = None


def salvage_bundle(path: Path) -> Salvaged:
    """The run in the file, as far as it is intact. Nothing is written anywhere.

    Raises UsageError E-USAGE-FILE; StorageError E-BUNDLE-LOST where nothing can be had, which says why, and
    E-BUNDLE-NEWER.
    """
    try:
        return Salvaged(read_bundle(path))
    except StorageError as error:
        if error.code != "E-BUNDLE-DAMAGED":
            raise
        whole = error.info.why
    try:
        with Remains(path) as remains:
            return _Salvage(remains, _header(remains)).run()
    except NewerError as error:
        raise newer(path, f"{error}.") from error
    except (*BROKEN, *WRONG) as error:
        raise _lost(path, f"{error}.") from error
    except StorageError as error:
        raise _lost(path, whole) from error


def _header(remains: Remains) -> Header:
    data = remains.read(HEADER, MAX_HEADER)
    if data is None:
        raise ValueError(f"`{HEADER}` is not there, or larger than it may be")
    try:
        return header_in(data)
    except NewerError:
        raise
    except WRONG as error:
        raise ValueError(f"`{HEADER}` is damaged, which says what belongs to the run: {error}") from error


@dataclass(slots=True)
class _Salvage:
    """Takes a run event by event. `contents` are those that the events taken so far name."""

    remains: Remains
    header: Header
    contents: dict[Digest, bytes] = field(default_factory=dict)

    def run(self) -> Salvaged:
        """As much as there is. Raises ValueError where that is nothing, NewerError."""
        events: list[Event] = []
        fault = f"`{EVENTS}` ends before it"
        try:
            for seq, line in enumerate(self._lines(), 1):
                events.append(self._taken(seq, line))
        except NewerError:
            raise
        except WRONG as error:
            fault = str(error)
        header = self.header
        if not events:
            raise ValueError(f"not even its first event is intact: {fault}")
        if len(events) == header.events.count:
            if header.end is None or isinstance(events[-1].body, RunCompleted):
                return Salvaged(self._bundle(header, events))
            fault = "the run has ended, but its last event does not say so"
        broken = Break(len(events) + 1, header.events.count, sentence(safe(fault)))
        return Salvaged(self._bundle(replace(header, end=None), events), broken)

    def _bundle(self, header: Header, events: list[Event]) -> Bundle:
        return Bundle(header, tuple(events), dict(sorted(self.contents.items())))

    def _lines(self) -> Iterator[bytes]:
        """The lines that are as they were written, from the first one on. Raises ValueError where one is not."""
        text, mark = self.remains.read(EVENTS, thorough=True) or b"", self.header.events
        if mark.marks is None and sha256(text).hexdigest() != mark.sha256:
            raise ValueError(f"`{EVENTS}` is not what its hash says, and a bundle of version 1 does not tell where")
        lines = text.split(b"\n")[:-1][: mark.count]
        for seq, (line, found) in enumerate(zip(lines, marks_of(lines), strict=True)):
            if mark.marks is not None and found != mark.marks[MARK * seq : MARK * (seq + 1)]:
                raise ValueError(f"event {seq + 1} is not what was written")
            yield line

    def _taken(self, seq: int, line: bytes) -> Event:
        """An event, with what it names. Raises ValueError where one of them is not right, NewerError."""
        event = event_at(line, self.header.run.id, seq)
        named: list[tuple[Digest, Role]] = list(named_by(event))
        if seq == 1:
            if not isinstance(event.body, RunStarted):
                raise ValueError("the first event is not the run's start")
            named.insert(0, (self.header.run.manifest, "manifest"))
        fresh: dict[Digest, bytes] = {}
        for digest, role in with_plans(named, lambda manifest: self._plan(manifest, fresh)):
            check_content(digest, role, self._held(digest, fresh))
        self.contents.update(fresh)
        return event

    def _plan(self, digest: Digest, fresh: dict[Digest, bytes]) -> Json:
        return decode(self._held(digest, fresh))

    def _held(self, digest: Digest, fresh: dict[Digest, bytes]) -> bytes:
        data = self.contents.get(digest, fresh.get(digest))
        if data is None:
            data = self.remains.read(CONTENTS + digest)
            if data is None:
                raise ValueError(f"the content {digest} is missing")
            if sha256(data).hexdigest() != digest:
                raise ValueError(f"the content {digest} is damaged")
            fresh[digest] = data
        return data


def _lost(path: Path, why: str) -> StorageError:
    return StorageError(
        "E-BUNDLE-LOST",
        f"Nothing can be had of the bundle: {path}.",
        why=sentence(safe(why)),
        fix="Export the run again where it was recorded: `agentcli runs export RUN`.",
    )
