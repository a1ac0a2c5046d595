"""Whether a mapping is a JSON Schema that can be used offline."""

from __future__ import annotations

from agentcli.core.canonical import Json
from agentcli.errors import sentence


def fault_of(schema: dict[str, Json]) -> str | None:
    """What is wrong with a schema (draft 2020-12), in one line; None for a good one."""
    foreign = _foreign_reference(schema)
    if foreign is not None:
        return f"`$ref: {foreign}` points outside the schema; nothing is fetched."
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        return sentence(str(error).splitlines()[0])
    return None


def _foreign_reference(value: Json) -> str | None:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return reference
        value = list(value.values())
    if isinstance(value, list):
        return next((found for item in value if (found := _foreign_reference(item)) is not None), None)
    return None
