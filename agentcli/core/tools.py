"""What a tool says of itself, and what a call of it gives back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcli.core.canonical import Digest

_DIGEST = re.compile("[0-9a-f]{64}")
_PERMISSIONS = 0o777

Effects = Literal["read-only", "idempotent", "irreversible"]
"""What a call changes: nothing; the same however often it is done; something that cannot be taken back."""

ToolStatus = Literal["ok", "error", "denied", "timeout"]

SubjectKind = Literal["path", "host", "command", "text"]
"""How a permission pattern reads a tool's subject: a workspace path, the host of a URL, a whole command, a text."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as models and people see it.

    `parameters` is a JSON Schema (draft 2020-12) of an object. `subject` names the argument that a permission
    pattern `tool(pattern)` is matched against: a workspace-relative path, a host, a command. `examples` are
    objects of arguments.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    effects: Effects
    subject: str | None = None
    version: str = "1"
    deprecated: str | None = None
    examples: tuple[dict[str, Any], ...] = ()
    returns: str = ""
    subject_kind: SubjectKind = "path"

    def to_json(self) -> dict[str, Any]:
        """What a model is told; the digest of a request holds this and no more."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a call read or changed: its content before and after, None where there was none.

    `path` is relative to the workspace. A read has `before` alone and `changed` False. Contents become snapshots in the
    journal, by digest. `mode` are the permission bits of the file that was replaced, which hands them on, or deleted.
    """

    path: str
    before: bytes | None = None
    after: bytes | None = None
    changed: bool = False
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gives back: `content` is the text the model reads, `data` the same as JSON where that says more."""

    content: str
    status: ToolStatus = "ok"
    data: Any = None
    files: tuple[FileChange, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class FileTouch:
    """A file that a call read or changed, by the digests of its content (None: there was none).

    `masked` says that the content holds a secret: then the digests are keyed ones and no snapshot is kept. `mode` are
    the permission bits (at most 0777) that the file had before, and has after; None where they are not known.
    """

    path: str
    before: Digest | None
    after: Digest | None
    changed: bool
    masked: bool = False
    mode: int | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, but no `mode` that is not known: digests of what was recorded without one stay as they are."""
        out = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.mode is None:
            del out["mode"]
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FileTouch:
        """Read back what `to_json` wrote. Raises ValueError or TypeError for what it never wrote: it names a file."""
        touch = cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})
        digests = [digest for digest in (touch.before, touch.after) if digest is not None]
        if not isinstance(touch.path, str) or not all(map(_DIGEST.fullmatch, digests)):
            raise ValueError("it names no file by a path and digests")
        if touch.mode is not None and (type(touch.mode) is not int or not 0 <= touch.mode <= _PERMISSIONS):
            raise ValueError("the permissions of a file in it are none")
        return touch
