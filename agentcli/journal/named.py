"""What a run's record names by content beyond its events' own fields, and as what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

from agentcli.core.canonical import Digest, Json
from agentcli.core.events import Event, ModelStarted, RunForked, RunResumed, RunStarted, ToolCompleted
from agentcli.core.runs import RunStart

Role = Literal["manifest", "head", "message", "snapshot"]
"""A plan, the part of requests that stays the same, one message of a request, a file before or after a call."""

DIGEST: Final = re.compile(r"[0-9a-f]{64}")


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
    """Everything that a run's record names, each digest once for each of its roles; `manifest` reads one of those.

    Raises ValueError for a manifest that is none, and what `manifest` raises.
    """
    found: dict[tuple[Digest, Role], None] = {(start.manifest, "manifest"): None}
    found.update((pair, None) for event in events for pair in named_by(event))
    for digest in [digest for digest, role in found if role == "manifest"]:
        found.update(((message, "message"), None) for message in history_of(manifest(digest)))
    return tuple(found)
