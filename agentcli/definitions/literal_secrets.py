"""Secrets written into a definition file, where version control would keep them for ever."""

from __future__ import annotations

import re
from typing import NamedTuple

from agentcli.core.canonical import Json
from agentcli.definitions.validation import dotted
from agentcli.definitions.yaml_source import Path, Source
from agentcli.errors import ErrorInfo

_KEY = re.compile(r"(?:^|[_-])(?:api[_-]?key|token|secret|password|passwd|authorization|credentials?)$", re.IGNORECASE)
_VALUE = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_MIN_LENGTH = 8


class LiteralSecret(NamedTuple):
    """A secret in a file: where it stands, and what must be kept out of every record."""

    path: Path
    value: str


def literal_secrets(value: Json) -> list[LiteralSecret]:
    """Texts that are secrets by their key's name or by their own shape."""
    found: list[LiteralSecret] = []
    _look_into(value, (), found)
    return found


def _look_into(value: Json, path: Path, found: list[LiteralSecret]) -> None:
    if isinstance(value, str):
        if len(value) >= _MIN_LENGTH and not value.startswith(("$", "{{")):
            named = bool(path) and isinstance(path[-1], str) and _KEY.search(path[-1]) is not None
            shaped = _VALUE.search(value)
            if named or shaped:
                found.append(LiteralSecret(path, value if named or shaped is None else shaped.group()))
    elif isinstance(value, dict):
        for key, item in value.items():
            _look_into(item, (*path, key), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _look_into(item, (*path, index), found)


def warnings_about(source: Source, family: str) -> list[ErrorInfo]:
    """One warning for each secret in a file, without the secret."""
    found = []
    for secret in literal_secrets(source.data):
        line, column = source.where(secret.path)
        what = f"`{dotted(secret.path)}` holds a secret in plain text."
        why = "Whoever reads the file, or its history, has it."
        fix = "Move it to the environment or `.env`, and replace it: it must be taken as known."
        found.append(ErrorInfo(f"{family}-LITERAL-SECRET", what, why, fix, source.file, line, column))
    return found
