"""Reading a bundle that anybody may have made: all of it is looked at before any of it is used."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from agentcli.core.canonical import Digest, decode, encode
from agentcli.core.events import Event, RunCompleted, RunStarted
from agentcli.core.messages import Message
from agentcli.core.models import Usage
from agentcli.core.runs import RunEnd, RunStart
from agentcli.core.safe_text import safe
from agentcli.core.values import value
from agentcli.errors import StorageError
from agentcli.journal.bundle import (
    CONTENTS,
    EVENTS,
    FORMAT,
    HEADER,
    MARK,
    MAX_HEADER,
    VERSION,
    EventsMark,
    Header,
    id_of,
    marks_of,
)
from agentcli.journal.bundle_archive import Archive, damaged
from agentcli.journal.bundle_lines import MAX_WORD, NewerError, adapter, event_in
from agentcli.journal.foreign import LAST_SECOND, checked_tags, fault_of_row
from agentcli.journal.named import DIGEST, Role, contents_of

_MOST: Final = 2**53
WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What looking at a header, an event or a content may raise where it is not one of ours."""

_MARKS: Final = re.compile(f"([0-9a-f]{{{MARK}}})*")


@value(frozen=True, slots=True)
class Bundle:
    """A run out of a bundle, sound in itself. `contents` are by digest, sorted."""

    header: Header
    events: tuple[Event, ...]
    contents: dict[Digest, bytes]


def read_bundle(path: Path) -> Bundle:
    """The run in the file. Nothing is written anywhere.

    Raises UsageError E-USAGE-FILE where the file cannot be read; StorageError E-BUNDLE-DAMAGED, which says what is
    wrong and where, and E-BUNDLE-NEWER.
    """
    with Archive(path) as archive:
        try:
            header = header_in(archive.read(HEADER, MAX_HEADER))
            archive.check_members()
            events = tuple(_events(archive, header))
            contents = dict(_contents(archive, header))
            _check_whole(header, events, contents)
        except NewerError as error:
            raise newer(path, f"{error}.") from error
        except WRONG as error:
            raise damaged(path, f"{error}.") from error
    return Bundle(header, events, contents)


def newer(path: Path, why: str) -> StorageError:
    """The bundle at `path` is sound, and says more than this version understands."""
    return StorageError(
        "E-BUNDLE-NEWER",
        f"The bundle was made by a newer agentcli: {path}.",
        why=safe(why),
        fix="Upgrade agentcli: pip install -U agentcli.",
    )


# -- bundle.json ----------------------------------------------------------------------------------------------------


def header_in(data: bytes) -> Header:
    """The header that the bytes of `bundle.json` are.

    Raises one of WRONG; NewerError before looking at anything that a newer one may have changed.
    """
    value = decode(data)
    if not isinstance(value, dict) or value.get("format") != FORMAT or type(value.get("version")) is not int:
        raise ValueError(f"`{HEADER}` is not that of a bundle")
    if value["version"] > VERSION:
        made_by = str(value.get("agentcli"))[:40]
        raise NewerError(f"Its format is version {value['version']} (agentcli {made_by}); this one reads {VERSION}")
    header = _typed(data)
    if encode(value) != data or encode(header.to_json()) != data:
        raise ValueError(f"`{HEADER}` is not written as a bundle's is")
    if header.id != id_of(header.to_json()):
        raise ValueError(f"the hash of `{HEADER}` is not its id")
    _check_marks(header)
    _check_run(header)
    return header


def _typed(data: bytes) -> Header:
    from pydantic import ValidationError

    try:
        adapter(Header).validate_json(data, strict=True)
    except ValidationError as error:
        places = [".".join(str(part) for part in found["loc"]) for found in error.errors(include_input=False)]
        raise ValueError(f"`{HEADER}` is not right at `{places[0][:100]}`") from error
    value = decode(data)
    end = value["end"]
    return Header(
        **{
            **value,
            "run": RunStart(**value["run"]),
            "end": end and RunEnd(**{**end, "usage": Usage(**end["usage"])}),
            "tags": tuple(value["tags"]),
            "events": EventsMark(**value["events"]),
            "contents": tuple(value["contents"]),
        }
    )


def _check_marks(header: Header) -> None:
    events = header.events
    if events.marks is None and header.version == 1:
        return
    marks = events.marks if header.version > 1 else None
    if marks is None or _MARKS.fullmatch(marks) is None or len(marks) != MARK * events.count:
        raise ValueError(f"the marks of the events in `{HEADER}` are none")


def _check_run(header: Header) -> None:
    run, end = header.run, header.end
    fault = fault_of_row(
        run.id, run.kind, run.started, run.parent, run.relation, end.status if end is not None else "running"
    )
    if fault is not None:
        raise ValueError(fault)
    if DIGEST.fullmatch(run.manifest) is None or max(len(run.name), len(run.task), len(run.model or "")) > MAX_WORD:
        raise ValueError(f"the row of run {run.id} holds what no run has")
    if run.cut is not None and not 0 <= run.cut < _MOST:
        raise ValueError(f"run {run.id} has a cut that is none")
    checked_tags(header.tags)
    if end is not None:
        _check_end(end)


def _check_end(end: RunEnd) -> None:
    usage = end.usage
    counts = (end.turns, usage.input, usage.output, usage.cached, usage.reasoning)
    amounts = (end.duration_s, end.cost_usd or 0.0)
    if end.status in ("running", "interrupted") or not 0 <= end.exit_code < 256 or not 0 <= end.ended < LAST_SECOND:
        raise ValueError("the run's end is none")
    if not all(0 <= count < _MOST for count in counts) or not all(0 <= amount < math.inf for amount in amounts):
        raise ValueError("the run's totals are none")


# -- events and contents --------------------------------------------------------------------------------------------


def _events(archive: Archive, header: Header) -> Iterator[Event]:
    data = archive.read(EVENTS)
    if sha256(data).hexdigest() != header.events.sha256:
        raise ValueError(f"`{EVENTS}` is not what its hash says")
    *lines, rest = data.split(b"\n")
    if rest or len(lines) != header.events.count:
        raise ValueError(f"`{EVENTS}` has {len(lines)} lines where {header.events.count} were written")
    if header.events.marks not in (None, "".join(marks_of(lines))):
        raise ValueError(f"the marks of the events in `{HEADER}` are not theirs")
    for seq, line in enumerate(lines, 1):
        yield event_at(line, header.run.id, seq)


def event_at(line: bytes, run: str, seq: int) -> Event:
    """The event of a line, as `event_in` gives it; its errors say which it is."""
    try:
        return event_in(line, run, seq)
    except NewerError as error:
        raise NewerError(f"Event {seq}: {error}") from error
    except WRONG as error:
        raise ValueError(f"event {seq} cannot be read: {error}") from error


def _contents(archive: Archive, header: Header) -> Iterator[tuple[Digest, bytes]]:
    if list(header.contents) != archive.contents:
        missing = sorted(set(header.contents).symmetric_difference(archive.contents))
        raise ValueError(f"its contents are not those that it lists: {missing[0] if missing else 'not in order'}")
    for digest in header.contents:
        data = archive.read(CONTENTS + digest)
        if sha256(data).hexdigest() != digest:
            raise ValueError(f"the content {digest} is not what its hash says")
        yield digest, data


def _check_whole(header: Header, events: tuple[Event, ...], contents: dict[Digest, bytes]) -> None:
    if events and not isinstance(events[0].body, RunStarted):
        raise ValueError("the first event is not the run's start")
    if header.end is not None and not (events and isinstance(events[-1].body, RunCompleted)):
        raise ValueError("the run has ended, but its last event does not say so")
    named = contents_of(header.run, events, lambda digest: decode(_held(digest, contents)))
    for digest, role in named:
        check_content(digest, role, _held(digest, contents))
    if unasked := contents.keys() - {digest for digest, _ in named}:
        raise ValueError(f"the content {min(unasked)} is named by nothing")


def _held(digest: Digest, contents: dict[Digest, bytes]) -> bytes:
    if digest not in contents:
        raise ValueError(f"the content {digest} is missing")
    return contents[digest]


_FORMS: Final[Mapping[Role, Any]] = {"message": Message, "rows": list[dict[str, Any]]}
"""What contents of these roles are; all others are objects."""


def check_content(digest: Digest, role: Role, data: bytes) -> None:
    """Raises ValueError for what is not what it is named as: a snapshot is any file, the others have their forms."""
    if role == "snapshot":
        return
    from pydantic import ValidationError

    kind = _FORMS.get(role, dict[str, Any])
    try:
        adapter(kind).validate_json(data, strict=True)
    except ValidationError as error:
        raise ValueError(f"the content {digest} is no {role}") from error
