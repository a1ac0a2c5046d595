"""Events as rows: how a body is split into what stays in the row and what is kept by content, and the hash chain.

A body's text is canonical JSON in which every SHA-256 stands as one byte 1, followed by a byte 2 and a name for each
field kept by content. The digests themselves stand in a column of their own, in the same order, 32 bytes each: first
those of the text, then those of the fields. Canonical JSON has no raw control characters, so this is unambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agentcli.core.canonical import Digest, decode, encode
from agentcli.core.events import EffectKey, Event, read_body
from agentcli.core.messages import Message
from agentcli.core.runs import RunEnd, RunStart
from agentcli.core.values import value
from agentcli.journal.packing import pack_body, unpack_body

INLINE = 96
"""Encoded values up to this many bytes stay in the row: kept by content they would take more."""

MARK = 4
"""Bytes of its hash that each event keeps: enough to name the place where a chain breaks, since a change shows in the
marks of all events after it. The seal of an ended run covers the whole hash of its last event."""

_QUOTED_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
_DIGEST, _FIELD = b"\x01", b"\x02"

SELECT = """SELECT run, seq, type, time, mono, lane, parent, turn, step, kind, name, ordinal, request, result,
                   body, digests, mark FROM events """
INSERT = """INSERT INTO events (run, seq, type, time, mono, lane, parent, turn, step, kind, name, ordinal, request,
                                result, body, digests, mark)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
Row = tuple[Any, ...]
"""One row of `events`, in the order of SELECT."""


@value(frozen=True, slots=True)
class Record:
    """An event as it was when it was appended: nothing in it can change any more."""

    event: Event
    small: bytes
    contents: tuple[tuple[str, bytes], ...]
    request: bytes | None
    result: bytes | None

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return len(self.small) + sum(len(data) for _, data in self.contents)


def take(event: Event) -> Record:
    """Serialise an event. Raises ValueError or TypeError for what is not JSON."""
    body = event.body
    fields = body.to_json()
    contents = []
    for name in body.LARGE:
        if name not in fields:
            continue
        data = encode(fields[name])
        # A message is always kept by content: requests name it by its digest.
        if len(data) > INLINE or isinstance(getattr(body, name), Message):
            del fields[name]
            contents.append((name, data))
    return Record(event, encode(fields), tuple(contents), _raw(event.request), _raw(event.result))


@dataclass(slots=True)
class Line:
    """What the chain runs over: an event's envelope, its text with marks for digests, and the digests."""

    envelope: tuple[Any, ...]
    text: bytes
    digests: bytes

    def hash(self, run: str, previous: bytes) -> bytes:
        """The hash of this event, given that of the one before it (of the run's start for the first)."""
        seq, kind, time, mono, *rest, request, result = self.envelope
        head = encode([run, seq, kind, float(time), float(mono), *rest, _hex(request), _hex(result)])
        parts = (previous, len(head), len(self.text), head, self.text, self.digests)
        return sha256(b"%b%d %d\n%b%b%b" % parts).digest()

    def row(self, run: int, own: bytes) -> Row:
        """The row to insert, for an event with this hash."""
        return (run, *self.envelope, pack_body(self.text), self.digests, own[:MARK])


def line_of(record: Record, fields: list[bytes]) -> Line:
    """The line of a record whose contents have the digests `fields`."""
    event, digests = record.event, bytearray()

    def mark(found: re.Match[bytes]) -> bytes:
        digests.extend(bytes.fromhex(found[1].decode()))
        return _DIGEST

    text = _QUOTED_DIGEST.sub(mark, record.small)
    for (name, _), digest in zip(record.contents, fields, strict=True):
        text += _FIELD + name.encode()
        digests += digest
    key = (event.key.kind, event.key.name, event.key.ordinal) if event.key else (None, None, None)
    envelope = (
        event.seq,
        event.body.type,
        event.time,
        event.mono,
        event.lane,
        event.parent,
        event.turn,
        event.step,
        *key,
        record.request,
        record.result,
    )
    return Line(envelope, text, bytes(digests))


def line_in(row: Row) -> Line:
    """The line of a row. Raises ValueError where the row is not one that was written here."""
    return Line(row[1:14], unpack_body(row[14]), row[15])


@dataclass(slots=True)
class Parts:
    """What the text of a line is made of."""

    text: bytes
    """JSON with a mark in the place of each digest, without the fields kept by content."""
    mentioned: Sequence[bytes] = ()
    """The digests that the marks stand for."""
    kept: dict[str, bytes] = field(default_factory=dict)
    """The digests of the fields kept by content, by the fields' names."""
    _fields: dict[str, Any] | None = field(default=None, init=False, compare=False)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that stand in the row itself; None for those kept by content. Raises ValueError."""
        if self._fields is None:
            self._fields = decode(self._whole() if self.mentioned else self.text)
            self._fields.update(dict.fromkeys(self.kept))
        return self._fields

    def _whole(self) -> bytes:
        begin, *pieces = self.text.split(_DIGEST)
        marked = zip(self.mentioned, pieces, strict=True)
        return begin + b"".join([b'"%b"%b' % (digest.hex().encode(), piece) for digest, piece in marked])


def parts_of(line: Line) -> Parts:
    """Raises ValueError where the digests do not fit the text."""
    if not line.digests and _DIGEST not in line.text and _FIELD not in line.text:
        return Parts(line.text)
    text, *names = line.text.split(_FIELD)
    mentioned = text.count(_DIGEST)
    if len(line.digests) != 32 * (mentioned + len(names)):
        raise ValueError("the digests do not fit the text")
    digests = split_digests(line.digests)
    kept = {name.decode(): digest for name, digest in zip(names, digests[mentioned:], strict=True)}
    return Parts(text, digests[:mentioned], kept)


def event_of(run: str, line: Line, parts: Parts, content: Callable[[bytes], bytes]) -> Event:
    """The event of a line. Raises ValueError where the line is damaged, and what `content` raises for a digest."""
    seq, kind, time, mono, lane, parent, turn, step, effect, name, ordinal, request, result = line.envelope
    fields = parts.fields
    if parts.kept:
        fields = {**fields, **{field: decode(content(digest)) for field, digest in parts.kept.items()}}
    return Event(
        run,
        seq,
        time,
        mono,
        read_body(kind, fields),
        lane,
        parent,
        turn,
        step,
        EffectKey(lane, effect, name, ordinal) if effect is not None else None,
        _hex(request),
        _hex(result),
    )


def split_digests(digests: bytes) -> list[bytes]:
    """One by one."""
    return [digests[at : at + 32] for at in range(0, len(digests), 32)]


def origin(start: RunStart) -> bytes:
    """Where a run's chain begins: a hash over what is known at its start."""
    values = [getattr(start, name) for name in RunStart.__dataclass_fields__]
    return sha256(encode(values)).digest()


def seal(head: bytes, end: RunEnd) -> bytes:
    """What closes a run: a hash over its last event's and the columns of its end."""
    values = [
        end.status,
        end.exit_code,
        float(end.ended),
        end.turns,
        end.usage.to_json(),
        None if end.cost_usd is None else float(end.cost_usd),
        float(end.duration_s),
    ]
    return sha256(head + encode(values)).digest()


def _raw(digest: Digest | None) -> bytes | None:
    return None if digest is None else bytes.fromhex(digest)


def _hex(digest: bytes | None) -> Digest | None:
    return None if digest is None else digest.hex()
