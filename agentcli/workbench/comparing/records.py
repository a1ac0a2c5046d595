"""A recorded run, read for a comparison: as much of it as the journal still holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from agentcli.core.canonical import Digest, Json, decode
from agentcli.core.events import Event, rfc3339
from agentcli.core.runs import RunRow
from agentcli.errors import StorageError
from agentcli.workbench.comparing.differences import same
from agentcli.workbench.workflow_plan import whole_manifest

_MOST_UNREADABLE = 20
"""Events that cannot be read before the rest of a run is given up."""


class Records(Protocol):
    """The journal, as far as comparing needs it."""

    def find(self, ref: str) -> RunRow:
        """The run that is meant. Raises UsageError, StorageError."""

    def events(self, run: str, after: int = 0) -> Iterable[Event]:
        """The events of a run after a seq, oldest first. Raises StorageError, also midway."""

    def blob(self, digest: Digest) -> bytes:
        """A content. Raises StorageError where it is not held."""


@dataclass(frozen=True, slots=True)
class Era:
    """The run went on at `seq` as a fork of the run `origin` (None: it was taken up again), with `changes`."""

    seq: int
    origin: str | None
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with its events and the manifest that is in force at its end ({} where it is not held)."""

    row: RunRow
    events: Sequence[Event]
    manifest: dict[str, Any] = field(default_factory=dict)
    eras: tuple[Era, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence each."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.row.start.id

    def of_type(self, *kinds: str) -> list[Event]:
        """Its events of these types, oldest first."""
        return [event for event in self.events if event.body.type in kinds]

    def to_json(self) -> dict[str, Any]:
        """Which run it is, and where it was taken up again; the same fields as in `runs list --json`, where shared."""
        start = self.row.start
        return {
            "id": start.id,
            "kind": start.kind,
            "name": start.name,
            "status": self.row.status,
            "started": rfc3339(start.started),
            "task": start.task,
            "model": start.model,
            "parent": start.parent,
            "resumed": [{"seq": era.seq, "changes": era.changes} for era in self.eras if era.origin is None],
        }


def read_run(records: Records, row: RunRow) -> RunRecord:
    """The run of a row. What is not held any more is listed, and does not stop the reading."""
    missing: list[str] = []
    events = _events(records, row, missing)
    digest = _manifest(row, events)
    manifest = whole_manifest(content(records, digest), partial(content, records))
    if not isinstance(manifest, dict):
        missing.append(f"The manifest of {row.start.id} cannot be read: what went into it is not compared.")
        manifest = {}
    return RunRecord(row, events, manifest, tuple(_eras(records, row, events)), tuple(missing))


def _events(records: Records, row: RunRow, missing: list[str]) -> list[Event]:
    run, events, after = row.start.id, list[Event](), 0
    while len(missing) < _MOST_UNREADABLE:
        try:
            for event in records.events(run, after):
                events.append(event)
                after = event.seq
        except StorageError as error:
            after += 1
            missing.append(f"Event {after} of {run} cannot be read: {error.info.what}")
        else:
            break
    return events


def _manifest(row: RunRow, events: Sequence[Event]) -> Digest:
    """The digest of the plan in force at the end: that of the last event that names one."""
    named = (event.body.to_json().get("manifest") for event in reversed(events) if event.body.type.startswith("run."))
    return next((digest for digest in named if isinstance(digest, str)), row.start.manifest)


def _eras(records: Records, row: RunRow, events: Sequence[Event]) -> Iterator[Era]:
    before = row.start.manifest
    for event in events:
        fields = event.body.to_json() if event.body.type.startswith("run.") else {}
        if "changes" in fields:
            changes = _news(fields["changes"], content(records, before))
            yield Era(event.seq, fields.get("origin"), changes if isinstance(changes, dict) else {})
        digest = fields.get("manifest")
        before = digest if isinstance(digest, str) else before


def _news(changes: Json, before: Json) -> Json:
    """The changes without what was so before: one limit is raised, and all of them are recorded."""
    if not isinstance(changes, dict) or not isinstance(before, dict):
        return changes
    return {
        name: _news(value, before.get(name)) for name, value in changes.items() if not same(value, before.get(name))
    }


def content(records: Records, digest: Digest) -> Json:
    """A content that is JSON; None where it is not held, or is none."""
    data = raw_content(records, digest)
    try:
        return None if data is None else decode(data)
    except (ValueError, RecursionError):
        return None


def raw_content(records: Records, digest: Digest) -> bytes | None:
    """A content; None where it is not held, or damaged."""
    try:
        return records.blob(digest)
    except (StorageError, ValueError):
        return None
