"""The bodies of what the code of a custom agent says: what it asks for, and how it ended."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from agentcli.core.canonical import Digest
from agentcli.core.event_bodies import Body
from agentcli.core.values import value
from agentcli.errors import ErrorInfo

CodeWants = Literal["ask", "tool", "say"]


@value(frozen=True, slots=True)
class CodeStarted(Body):
    """The code of a custom agent begins. `code` is the SHA-256 of its text, which the manifest holds."""

    type: ClassVar[str] = "code.started"
    LARGE: ClassVar[tuple[str, ...]] = ("task", "inputs")
    code: Digest
    task: str
    inputs: dict[str, Any]


@value(frozen=True, slots=True)
class CodeAsked(Body):
    """The code asks for something: an answer of a model, a call of a tool, or that a line is shown.

    `request` is, by `wants`: `{prompt, instructions, schema, tools}`, `{name, arguments}` or `{text}`.
    """

    type: ClassVar[str] = "code.asked"
    LARGE: ClassVar[tuple[str, ...]] = ("request",)
    wants: CodeWants
    request: dict[str, Any]


@value(frozen=True, slots=True)
class CodeCompleted(Body):
    """The code has ended: with `output`, or with `error`, which tells the line that it came from.

    `changed` are the files of its copy of the workspace that are not as they were; nothing of them is kept yet.
    `printed` is the end of what it wrote to its output, `trace` Python's own report of an error, both for people.
    """

    type: ClassVar[str] = "code.completed"
    LARGE: ClassVar[tuple[str, ...]] = ("output", "printed", "trace")
    output: Any
    error: ErrorInfo | None
    changed: tuple[str, ...] = ()
    printed: str = ""
    trace: str = ""

    def to_json(self) -> dict[str, Any]:
        """The event's own fields; those that say nothing are left out, but for the output and the error."""
        out = Body.to_json(self)
        out["changed"] = list(self.changed)
        return {name: value for name, value in out.items() if value or name in ("output", "error")}
