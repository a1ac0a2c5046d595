"""Where a setting's value comes from."""

from __future__ import annotations

from typing import Literal, TypeAlias

from agentcli.core.values import value

SourceKind: TypeAlias = Literal["default", "user", "user profile", "project", "project profile", "environment", "flag"]

PROJECT_KINDS: frozenset[SourceKind] = frozenset({"project", "project profile"})


@value(frozen=True, slots=True)
class Source:
    """The layer, and the file with its line (from 1) or the variable's name."""

    kind: SourceKind
    file: str | None = None
    line: int | None = None
    name: str | None = None

    @property
    def of_project(self) -> bool:
        """Whether a file of the project says it."""
        return self.kind in PROJECT_KINDS

    def __str__(self) -> str:
        if self.file is not None:
            return f"{self.file}:{self.line}"
        return self.name or self.kind


DEFAULT = Source("default")
FLAG = Source("flag")
