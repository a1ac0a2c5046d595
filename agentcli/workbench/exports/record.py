"""A run as it is exported: its row, its events, and what they name by content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Event, ModelStarted
from agentcli.core.messages import Message
from agentcli.core.runs import RunRow
from agentcli.errors import StorageError
from agentcli.journal.named import Role, contents_of, named_in
from agentcli.workbench.workflow_plan import whole_manifest


@dataclass(frozen=True)
class RunRecord:
    """One run. `read` gives a content by its digest. Raises StorageError E-BLOB-MISSING, E-JOURNAL-DAMAGED."""

    row: RunRow
    events: tuple[Event, ...]
    read: Callable[[Digest], bytes] = field(repr=False)

    @cached_property
    def named(self) -> tuple[tuple[Digest, Role], ...]:
        """What the record names by content; of a manifest that is not there, or none, nothing further."""
        return contents_of(self.row.start, self.events, self._plan)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The plan in force in the end; empty where it is not there."""
        found: dict[str, Any] = whole_manifest(self.json(self.row.start.manifest) or {}, self.json)
        return found

    def _plan(self, digest: Digest) -> Json:
        plan = self.json(digest) or {}
        try:
            named_in(plan)
        except ValueError:
            return {}
        return plan

    def find(self, digest: Digest) -> bytes | None:
        """A content, or None where the journal cannot give it: a view shows what is intact."""
        try:
            return self.read(digest)
        except StorageError:
            return None

    def json(self, digest: Digest) -> dict[str, Any] | None:
        """A content that is a JSON object; None where it is not there, or none."""
        data = self.find(digest)
        try:
            value: Json = None if data is None else decode(data)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def added(self, started: ModelStarted) -> Iterator[tuple[Digest, Message]]:
        """The messages that a request added to the one before it; those that cannot be read are left out."""
        for digest in started.request.added:
            message = _message(self.json(digest))
            if message is not None:
                yield digest, message


def _message(value: dict[str, Any] | None) -> Message | None:
    try:
        return None if value is None else Message.from_json(value)
    except (KeyError, TypeError, AttributeError):
        return None
