"""What every value meets on its way in: it becomes encodable, and its secrets become placeholders."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from agentcli.core.canonical import encode
from agentcli.engine.ports import Redactor
from agentcli.errors import ErrorInfo


class Admission:
    """Lets values in. Engine, model, digests and journal all hold what this gives."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def admit(self, value: Any) -> Any:
        """The JSON value without secrets and without what canonical JSON cannot hold; the same object if clean."""
        try:
            encode(value)
        except ValueError:  # a lone surrogate, NaN or infinity: models and files do send them
            value = encodable(value)
        return self.redactor.redact(value)

    def admit_error(self, error: ErrorInfo) -> ErrorInfo:
        """The error with texts that were let in."""
        texts = {name: self.admit(getattr(error, name)) for name in ("what", "why", "fix", "file")}
        return replace(error, **texts)


def encodable(value: Any) -> Any:
    """The value with what no encoding takes replaced: half characters, NaN and infinity."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {encodable(name): encodable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encodable(item) for item in value]
    return value
