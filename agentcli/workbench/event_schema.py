"""The JSON Schema of the events that `--json` prints, made from the events' own classes."""

from __future__ import annotations

import inspect
from typing import Any

from agentcli.core.canonical import Json
from agentcli.core.events import BODIES, SCHEMA, Body
from agentcli.errors import ErrorInfo

_ENVELOPE: dict[str, Json] = {
    "schema": {"const": SCHEMA, "description": "Version of this format."},
    "run": {"type": "string", "description": "The run's id."},
    "parent": {"type": ["string", "null"], "description": "The run that this one came from."},
    "lane": {"type": "string", "description": "The place in the run tree, such as `turn.2/call.1`."},
    "step": {"type": "string", "description": "The workflow's step."},
    "turn": {"type": "integer", "minimum": 1, "description": "The turn."},
    "seq": {"type": "integer", "minimum": 0, "description": "The number in the journal."},
    "time": {"type": "string", "format": "date-time", "description": "RFC 3339, UTC."},
}
_OPTIONAL = {"step", "turn"}


def event_schema() -> dict[str, Json]:
    """JSON Schema (draft 2020-12) of one line: an event of a run, or the `error` that comes before any run."""
    from pydantic import TypeAdapter

    definitions: dict[str, Json] = {}
    for kind, body in BODIES.items():
        own = TypeAdapter(body).json_schema(mode="serialization", ref_template="#/$defs/{model}")
        definitions.update(own.pop("$defs", {}))
        definitions[kind] = _event(kind, body, own)
    error = TypeAdapter(ErrorInfo).json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions["ErrorInfo"] = error
    definitions["error"] = _error_event()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "agentcli event",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in [*BODIES, "error"]],
        "$defs": definitions,
    }


def _event(kind: str, body: type[Body], own: dict[str, Any]) -> dict[str, Json]:
    return {
        "type": "object",
        "description": inspect.getdoc(body) or "",
        "properties": {**_ENVELOPE, "type": {"const": kind}, **own.get("properties", {})},
        "required": [*(name for name in _ENVELOPE if name not in _OPTIONAL), "type", *own.get("required", [])],
    }


def _error_event() -> dict[str, Json]:
    error = {"$ref": "#/$defs/ErrorInfo"}
    return {
        "type": "object",
        "description": "An error that came before any run; the only line.",
        "properties": {
            "schema": _ENVELOPE["schema"],
            "type": {"const": "error"},
            "run": {"type": "null"},
            "time": _ENVELOPE["time"],
            "error": error,
            "others": {"type": "array", "items": error, "description": "Further problems of the same check."},
            "exit_code": {"type": "integer", "description": "The exit code of the command."},
        },
        "required": ["schema", "type", "run", "time", "error", "exit_code"],
    }
