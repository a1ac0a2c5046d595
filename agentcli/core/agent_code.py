"""The code of a custom agent as text, and where each line of it stands."""

from __future__ import annotations

from typing import Any

from agentcli.core.values import value

FUNCTION = "run"
"""What the code defines: `def run(agent, task)`."""

KEEP_FILES = "keep_files"
"""The tool that keeps the files that the code changed: the engine's alone, known by its name to permissions."""


@value(frozen=True, slots=True)
class AgentCode:
    """The text. `file` is where it stands: in a template below `line`, and `column` characters to the right."""

    text: str
    file: str
    line: int = 0
    column: int = 0

    def place(self, line: int, column: int = 1) -> tuple[int, int]:
        """Line and column of the file, from 1, by those of the text; a line that the text has not is its last."""
        last = self.text.count("\n") + 1
        return self.line + max(1, min(line, last)), self.column + max(1, column)

    def to_json(self) -> dict[str, Any]:
        """All fields, for the manifest."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> AgentCode:
        """Read back what `to_json` wrote."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})
