"""What a run's record names by content, and as what: of events as they are read, and of rows as they stand.

Whoever checks a run, hands it on or prunes the journal goes by what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, Literal

from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Event, ModelStarted, RunForked, RunResumed, RunStarted, ToolCompleted
from agentcli.core.runs import RunStart
from agentcli.journal.records import Parts, Row, line_in, parts_of, split_digests

Role = Literal["manifest", "head", "message", "snapshot"]
"""A plan, the part of requests that stays the same, one message of a request, a file before or after a call."""

DIGEST: Final = re.compile(r"[0-9a-f]{64}")

PLANNED: Final = ("run.started", "run.resumed", "run.forked")
"""The types of events that name a plan."""


def named_by(event: Event) -> Iterator[tuple[Digest, Role]]:
    """The contents that one event names, in the order in which it does."""
    body = event.body
    if isinstance(body, RunStarted | RunResumed | RunForked):
        yield body.manifest, "manifest"
    elif isinstance(body, ModelStarted):
        yield body.request.head, "head"
        yield from ((digest, "message") for digest in body.request.added)
    elif isinstance(body, ToolCompleted):
        for touch in body.files:
            if touch.changed and not touch.masked:
                yield from ((digest, "snapshot") for digest in (touch.before, touch.after) if digest is not None)


def history_of(manifest: Json) -> tuple[Digest, ...]:
    """The messages of the conversation that a run goes on with. Raises ValueError where the manifest is none."""
    history = manifest.get("history", []) if isinstance(manifest, dict) else None
    if not isinstance(history, list) or not all(isinstance(item, str) and DIGEST.fullmatch(item) for item in history):
        raise ValueError("the manifest is none")
    return tuple(history)


def contents_of(
    start: RunStart, events: Iterable[Event], manifest: Callable[[Digest], Json]
) -> tuple[tuple[Digest, Role], ...]:
    """Everything that a run's record names, each digest once for each of its roles, in the order in which it does.

    `manifest` reads one of those: the messages that it goes on with follow it.

    Raises ValueError for a manifest that is none, and what `manifest` raises.
    """
    row: Iterable[tuple[Digest, Role]] = [(start.manifest, "manifest")]
    named = chain(row, chain.from_iterable(map(named_by, events)))
    return tuple(dict.fromkeys(with_history(named, manifest)))


def with_history(
    named: Iterable[tuple[Digest, Role]], manifest: Callable[[Digest], Json]
) -> Iterator[tuple[Digest, Role]]:
    """Contents, each manifest followed by the messages that it goes on with. Raises as `contents_of` does."""
    for digest, role in named:
        yield digest, role
        if role == "manifest":
            yield from ((message, "message") for message in history_of(manifest(digest)))


def needed_by(kind: str, parts: Parts) -> list[tuple[str, bytes]]:
    """The contents that an event of this type cannot do without, each with the field it stands in.

    A plan needs more: `history_in`. Raises ValueError, TypeError, KeyError or AttributeError for an event that is
    damaged.
    """
    needed = list(parts.kept.items())
    if kind == "model.started":
        needed += [("request", digest) for digest in parts.mentioned]
    elif kind == "tool.completed":
        needed += [("files", digest) for digest in _snapshots(parts)]
    elif kind in PLANNED:
        needed.append(("manifest", bytes.fromhex(parts.fields["manifest"])))
    return needed


def mentioned_in(row: Row) -> list[bytes]:
    """Every digest that an event mentions: all that it needs, and those of files it only read, which a fork looks for.

    They stand in a column of their own, so that no body is unpacked.
    """
    return split_digests(row[15])


def plan_in(row: Row) -> bytes | None:
    """The plan that an event names. Raises as `needed_by` does."""
    return bytes.fromhex(parts_of(line_in(row)).fields["manifest"]) if row[2] in PLANNED else None


def history_in(manifest: bytes) -> Iterator[bytes]:
    """The messages that a plan goes on with; none where it is no plan: its digest is right, so that was written."""
    try:
        yield from map(bytes.fromhex, history_of(decode(manifest)))
    except ValueError:
        return


def _snapshots(parts: Parts) -> Iterator[bytes]:
    for touch in parts.fields["files"] if parts.mentioned else ():
        if touch["changed"] and not touch["masked"]:
            yield from (bytes.fromhex(touch[side]) for side in ("before", "after") if touch[side] is not None)
