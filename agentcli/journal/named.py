"""What a run's record names by content, and as what: of events as they are read, and of rows as they stand.

Whoever checks a run, hands it on or prunes the journal goes by what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, Literal

from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Event, ModelStarted, RowsRead, RunForked, RunResumed, RunStarted, ToolCompleted
from agentcli.core.runs import RunStart
from agentcli.journal.records import Parts, Row, fields_of, line_in, parts_of, split_digests

Role = Literal["manifest", "plan", "head", "message", "snapshot", "rows"]
"""A plan, one that it is part of, what stays the same in requests, a message of one, a file before or after a call,
rows that were read.
"""

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
    elif isinstance(body, RowsRead):
        yield body.content, "rows"
    elif isinstance(body, ToolCompleted):
        for touch in body.files:
            if touch.changed and not touch.masked:
                yield from ((digest, "snapshot") for digest in (touch.before, touch.after) if digest is not None)


def named_in(manifest: Json) -> tuple[tuple[Digest, Role], ...]:
    """What a plan names: the plan that a row's run shares with others, the messages that a conversation goes on with.

    Raises ValueError where the manifest is none.
    """
    plan: dict[str, Any] = manifest if isinstance(manifest, dict) else {"history": None}
    history: list[Digest] = plan.get("history", [])
    shared: list[Digest] = [plan["plan"]] if "plan" in plan else []
    if not isinstance(history, list) or not all(map(_is_digest, [*history, *shared])):
        raise ValueError("the manifest is none")
    plans: tuple[tuple[Digest, Role], ...] = tuple((digest, "plan") for digest in shared)
    return (*plans, *((digest, "message") for digest in history))


def _is_digest(value: Json) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def contents_of(
    start: RunStart, events: Iterable[Event], manifest: Callable[[Digest], Json]
) -> tuple[tuple[Digest, Role], ...]:
    """Everything that a run's record names, each digest once for each of its roles, in the order in which it does.

    `manifest` reads one of those: what it names follows it.

    Raises ValueError for a manifest that is none, and what `manifest` raises.
    """
    row: Iterable[tuple[Digest, Role]] = [(start.manifest, "manifest")]
    named = chain(row, chain.from_iterable(map(named_by, events)))
    return tuple(dict.fromkeys(with_plans(named, manifest)))


def with_plans(
    named: Iterable[tuple[Digest, Role]], manifest: Callable[[Digest], Json]
) -> Iterator[tuple[Digest, Role]]:
    """Contents, each manifest followed by what it names. Raises as `contents_of` does."""
    for digest, role in named:
        yield digest, role
        if role == "manifest":
            yield from named_in(manifest(digest))


def needed_by(kind: str, parts: Parts) -> Iterator[tuple[str, bytes]]:
    """The contents that an event of this type cannot do without, each with the field it stands in.

    A plan needs more: `needed_in`. Raises ValueError, TypeError, KeyError or AttributeError for an event that is
    damaged.
    """
    yield from parts.kept.items()
    if kind == "model.started":
        yield from (("request", digest) for digest in parts.mentioned)
    elif kind == "tool.completed":
        yield from (("files", digest) for digest in _snapshots(parts))
    elif kind == "rows.read":
        yield from (("content", digest) for digest in parts.mentioned)
    elif kind in PLANNED:
        yield "manifest", bytes.fromhex(fields_of(parts)["manifest"])


def mentioned_in(row: Row) -> list[bytes]:
    """Every digest that an event mentions: all that it needs, and those of files it only read, which a fork looks for.

    They stand in a column of their own, so that no body is unpacked.
    """
    return split_digests(row[15])


def plan_in(row: Row) -> bytes | None:
    """The plan that an event names. Raises as `needed_by` does."""
    return bytes.fromhex(fields_of(parts_of(line_in(row)))["manifest"]) if row[2] in PLANNED else None


def needed_in(manifest: bytes) -> Iterator[bytes]:
    """What a plan names; nothing where it is no plan: its digest is right, so that was written."""
    try:
        yield from (bytes.fromhex(digest) for digest, _ in named_in(decode(manifest)))
    except ValueError:
        return


def _snapshots(parts: Parts) -> Iterator[bytes]:
    for touch in fields_of(parts)["files"] if parts.mentioned else ():
        if touch["changed"] and not touch["masked"]:
            yield from (bytes.fromhex(touch[side]) for side in ("before", "after") if touch[side] is not None)
