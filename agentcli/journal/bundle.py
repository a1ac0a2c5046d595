"""A run in one file: what a bundle holds, and writing one.

A bundle is a zip archive with these members and no others, in this order:

- `bundle.json`: the format's version, the run's row, the digests of everything else, and the bundle's `id`: the SHA-256
  of all of that;
- `events.jsonl`: the events, each one line of canonical JSON;
- `contents/<sha256>`: what the events name by content, in the order in which they do: where a bundle is cut short, the
  first events still have theirs.

The same run gives the same bytes. Nothing in a bundle is signed: the hashes show damage, not who made it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from typing import Final

from agentcli import __version__
from agentcli.core.canonical import Digest, Json, digest, encode
from agentcli.core.events import Event
from agentcli.core.runs import RunEnd, RunStart
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.bundle_lines import line_of
from agentcli.journal.foreign import MAX_CONTENT

FORMAT: Final = "agentcli-bundle"
VERSION: Final = 2
"""Raised when a reader of the old one would misread the new one, or call it damaged.

- 1: `events` has no `marks`.
- 2: it has them.
"""

SUFFIX: Final = ".agentcli"
HEADER: Final = "bundle.json"
EVENTS: Final = "events.jsonl"
CONTENTS: Final = "contents/"

IMPORTED: Final = "imported"
"""What a run that came from elsewhere is tagged with. Approvals given there do not count here."""

DAMAGED: Final = "damaged"
"""What a run is tagged with of which a damaged bundle held the beginning alone. That is exported too."""

MAX_MEMBERS: Final = 65_000
"""A zip archive without extensions counts to 65,535."""

MAX_UNPACKED: Final = 1024 * 1024 * 1024
"""The most bytes of all members together."""

MAX_HEADER: Final = 32 * 1024 * 1024
"""The most bytes of `bundle.json`."""

MARK: Final = 8
"""Characters of an event's mark: enough to name where a record breaks, since a change shows in all marks after it."""


@value(frozen=True, slots=True)
class EventsMark:
    """What `bundle.json` says of `events.jsonl`.

    `marks` are those of the events, one after the other: the beginning of the SHA-256 of all lines up to the event's
    own. None in a bundle of version 1.
    """

    count: int
    sha256: Digest
    marks: str | None = None


@value(frozen=True, slots=True)
class Header:
    """`bundle.json`. `contents` are the digests of the contents, sorted; `id` is the digest of all other fields."""

    format: str
    version: int
    agentcli: str
    run: RunStart
    end: RunEnd | None
    tags: tuple[str, ...]
    events: EventsMark
    contents: tuple[Digest, ...]
    id: Digest

    def to_json(self) -> dict[str, Json]:
        """All fields; without `marks` where there are none."""
        out = asdict(self)
        if self.events.marks is None:
            del out["events"]["marks"]
        return out


def marks_of(lines: Iterable[bytes]) -> Iterator[str]:
    """The mark of each event, given their lines without ends."""
    text = sha256()
    for line in lines:
        text.update(line + b"\n")
        yield text.copy().hexdigest()[:MARK]


def id_of(header: dict[str, Json]) -> Digest:
    """The id that a header of these fields has."""
    return digest({name: value for name, value in header.items() if name != "id"})


def pack(
    start: RunStart,
    events: Iterable[Event],
    end: RunEnd | None,
    contents: Sequence[tuple[Digest, bytes]],
    tags: Iterable[str] = (),
) -> bytes:
    """The bundle of a run. `contents` stand in the order in which they are given, each once.

    Raises StorageError E-BUNDLE-TOO-LARGE.
    """
    lines = [line_of(event) for event in events]
    text = b"".join(line + b"\n" for line in lines)
    mark = EventsMark(len(lines), sha256(text).hexdigest(), "".join(marks_of(lines)))
    names = tuple(sorted(name for name, _ in contents))
    fields = Header(FORMAT, VERSION, __version__, start, end, tuple(tags), mark, names, "").to_json()
    header = encode({**fields, "id": id_of(fields)})
    members = [(HEADER, header), (EVENTS, text), *((CONTENTS + name, data) for name, data in contents)]
    _check_size(start.id, members)
    return _archive(members)


def _check_size(run: str, members: Sequence[tuple[str, bytes]]) -> None:
    sizes = [len(data) for _, data in members]
    too_large = max(sizes) > MAX_CONTENT or sum(sizes) > MAX_UNPACKED or sizes[0] > MAX_HEADER
    if too_large or len(members) > MAX_MEMBERS:
        raise StorageError(
            "E-BUNDLE-TOO-LARGE",
            f"Run {run} is too large for a bundle.",
            why=f"It has {len(members) - 2} contents of {sum(sizes) / 1e6:,.0f} MB together; a bundle takes"
            f" {MAX_MEMBERS - 2} and {MAX_UNPACKED / 1e6:,.0f} MB.",
            fix="Export what you need of it: `agentcli runs export RUN --to jsonl`.",
        )


def _archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=False, compresslevel=6) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)  # the date of a ZipInfo is 1980-01-01 unless it is given another
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o100600 << 16
            archive.writestr(info, data)
    return out.getvalue()
