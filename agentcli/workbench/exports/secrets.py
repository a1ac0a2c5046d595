"""The last look for secrets before a run leaves the machine.

The door hid them when the run was recorded. What is found here was not known as a secret then: a key that came into the
environment later, a pattern added to the settings, a record that somebody else made.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentcli.core.canonical import decode
from agentcli.engine.ports import Redactor
from agentcli.errors import StorageError
from agentcli.workbench.exports.record import RunRecord


def refuse_secrets(record: RunRecord, redactor: Redactor) -> None:
    """Raises StorageError E-EXPORT-SECRET where a secret is found, without saying which.

    Nothing is replaced: that would break the hashes, and the run would no longer be the one that was recorded.
    """
    place = next(_places(record, redactor), None)
    if place is not None:
        raise StorageError(
            "E-EXPORT-SECRET",
            f"Run {record.row.start.id} is not exported: {place} holds a secret.",
            why="It was not known as one when the run was recorded, or another program wrote it.",
            fix="Change that secret. If it is none, take it out of the environment, .env or `redaction:`.",
        )


def _places(record: RunRecord, redactor: Redactor) -> Iterator[str]:
    start = record.row.start
    for value in ({"name": start.name, "task": start.task}, list(record.row.tags)):
        if redactor.redact(value) is not value:
            yield "its row"
    for event in record.events:
        fields = event.body.to_json()
        if redactor.redact(fields) is not fields:
            yield f"event {event.seq} ({event.body.type})"
    for digest, role in record.named:
        data = record.find(digest)
        if data is not None and (redactor.holds_secret(data) if role == "snapshot" else _tells(data, redactor)):
            yield f"a {role} ({digest[:12]})"


def _tells(data: bytes, redactor: Redactor) -> bool:
    try:
        value = decode(data)
    except (ValueError, RecursionError):
        return redactor.holds_secret(data)
    return redactor.redact(value) is not value
