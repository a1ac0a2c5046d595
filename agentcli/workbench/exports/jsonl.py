"""A run's events as lines of JSON: what `agentcli runs show RUN --json` prints."""

from __future__ import annotations

import json

from agentcli.core.safe_text import json_safe
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """One event a line, in the form of `config schema events`."""
    lines = (
        json_safe(json.dumps(event.to_json(), ensure_ascii=False, separators=(",", ":"))) for event in record.events
    )
    return (ExportedFile(f"{record.row.start.id}.jsonl", "".join(f"{line}\n" for line in lines).encode()),)
