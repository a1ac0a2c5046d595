"""Values as OTLP's JSON has them: attributes with their types, times as strings of nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`[{"key": …, "value": {"stringValue": …}}]`, in the given order; those that are None are left out."""
    return [{"key": name, "value": _any(value)} for name, value in values.items() if value is not None]


def _any(value: Any) -> dict[str, Any]:
    """64-bit integers are strings there: JSON's numbers are no safe place for them."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    return {"stringValue": str(value)}


def nanoseconds(unix_seconds: float) -> str:
    """Unix time in nanoseconds, exact to the microsecond: a float of this size has no more."""
    return str(round(unix_seconds * 1_000_000) * 1_000)
