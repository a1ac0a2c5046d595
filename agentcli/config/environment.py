"""Settings from the environment: `AGENTCLI_LIMITS__TURNS=5` is `limits.turns`."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from agentcli.config.settings import Overlay
from agentcli.core.canonical import Json
from agentcli.definitions.nearest import suggestion
from agentcli.definitions.scalars import resolve
from agentcli.definitions.validation import keys_at, type_at
from agentcli.errors import ErrorInfo

PREFIX = "AGENTCLI_"
RESERVED = frozenset({"AGENTCLI_HOME", "AGENTCLI_PROFILE"})
"""Variables that are no settings."""

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def settings_of(
    environ: Mapping[str, str],
) -> tuple[dict[tuple[str, ...], Json], dict[tuple[str, ...], str], list[ErrorInfo]]:
    """The settings of an environment by path, the variable of each path, and a warning for each unknown variable."""
    values: dict[tuple[str, ...], Json] = {}
    names: dict[tuple[str, ...], str] = {}
    warnings: list[ErrorInfo] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        kind = type_at(Overlay, path) if all(path) else None
        if kind is None:
            warnings.append(_unknown(name))
            continue
        values[path] = typed(environ[name], kind)
        names[path] = name
    return values, names, warnings


def typed(text: str, kind: Any) -> Json:
    """A text as a value of a setting's type; a text that does not fit stays one, and is refused with all the rest."""
    stripped = text.strip()
    if kind is bool:
        return _WORDS.get(stripped.lower(), text)
    if kind in (int, float):
        value = resolve(stripped)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else text
    if _is_collection(kind):
        try:
            return json.loads(stripped)
        except (ValueError, RecursionError):
            return [text] if typing.get_origin(kind) in (tuple, list) else text
    return text


def nested(values: Mapping[tuple[str, ...], Json]) -> dict[str, Json]:
    """Values by path as mappings in mappings."""
    tree: dict[str, Json] = {}
    for path, value in values.items():
        inner = tree
        for part in path[:-1]:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[path[-1]] = value
    return tree


def _is_collection(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    return origin in (tuple, list, dict) or (origin is None and isinstance(kind, type) and issubclass(kind, BaseModel))


def _unknown(name: str) -> ErrorInfo:
    known = [f"{PREFIX}{key.upper()}" for key in keys_at(Overlay, ())]
    for group in ("limits", "settings", "permissions", "redaction", "network"):
        known += [f"{PREFIX}{group.upper()}__{key.upper()}" for key in keys_at(Overlay, (group,))]
    fix = suggestion(name, [*known, *RESERVED], "Unset it, or see `agentcli config schema`.")
    return ErrorInfo("E-CONFIG-ENVIRONMENT", f"`{name}` is ignored.", "There is no such setting.", fix)
