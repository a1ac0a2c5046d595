"""Layers of settings laid over each other, each value with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentcli.config.sources import Source
from agentcli.core.canonical import Json

Path = tuple[str, ...]

_ADDED = {
    ("permissions", "allow"),
    ("permissions", "ask"),
    ("permissions", "deny"),
    ("redaction", "patterns"),
    ("redaction", "names"),
    ("redaction", "personal"),
    ("network", "private"),
}
"""Lists to which every layer adds: none takes away what another one says."""


class Merged:
    """The settings so far. Layers are laid on from the weakest to the strongest."""

    def __init__(self) -> None:
        self.data: dict[str, Json] = {}
        self.sources: dict[str, Source] = {}
        self.user_limits: dict[str, float] = {}

    def lay(self, layer: Mapping[str, Json], source_of: Callable[[Path], Source]) -> None:
        """Lay `layer` over what is there. A null leaves what is there."""
        self._into(self.data, layer, (), source_of)

    def _into(
        self, target: dict[str, Json], layer: Mapping[str, Json], path: Path, source_of: Callable[[Path], Source]
    ) -> None:
        for key, value in layer.items():
            here = (*path, key)
            if value is None:
                continue
            if isinstance(value, Mapping):
                self._into(target.setdefault(key, {}), value, here, source_of)
            else:
                self._leaf(target, key, value, here, source_of(here))

    def _leaf(self, target: dict[str, Json], key: str, value: Any, path: Path, source: Source) -> None:
        value = list(value) if isinstance(value, (list, tuple)) else value
        if path in _ADDED:
            value = list(dict.fromkeys([*target.get(key, ()), *value]))
        if path[0] == "limits":
            if source.of_project and self.user_limits.get(key, value) < value:
                return
            if not source.of_project and source.kind != "default":
                self.user_limits[key] = value
        target[key] = value
        self.sources[".".join(path)] = source
