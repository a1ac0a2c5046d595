"""What a tool says of itself, and what a call of it gives back."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Literal

from agentcli.core.canonical import Digest
from agentcli.core.values import value

_DIGEST = re.compile("[0-9a-f]{64}")
_PERMISSIONS = 0o777

Effects = Literal["read-only", "idempotent", "irreversible"]
"""What a call changes: nothing; the same however often it is done; something that cannot be taken back."""

ToolStatus = Literal["ok", "error", "denied", "timeout"]

SubjectKind = Literal["path", "host", "command", "text"]
"""How a permission pattern reads a tool's subject: a workspace path, the host of a URL, a whole command, a text."""


@value(frozen=True, slots=True)
class ToolSpec:
    """A tool as models and people see it.

    `parameters` is a JSON Schema (draft 2020-12) of an object. `subject` names the argument that a permission
    pattern `tool(pattern)` is matched against: a workspace-relative path, a host, a command; `also` names further ones
    of its kind. `examples` are objects of arguments. With `asks_per_subject` the first call for each subject asks even
    though it changes nothing: what is read then is not the user's own. What `asks_person` has a person for its result:
    the engine puts the arguments `question` and `choices` to whoever sits at the terminal, and the tool itself is never
    called. `source` is where the code of people's own tools comes from: a file, or a package.
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
    asks_per_subject: bool = False
    source: str = ""
    also: tuple[str, ...] = ()
    asks_person: bool = False

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every argument that a bare pattern is matched against."""
        return () if self.subject is None else (self.subject, *self.also)

    @property
    def origin(self) -> str:
        """Where it comes from, in a word for people."""
        return self.source or "built-in"

    def to_json(self) -> dict[str, Any]:
        """What a model is told; the digest of a request holds this and no more."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}


@value(frozen=True, slots=True)
class FileChange:
    """A file that a call read or changed: its content before and after, None where there was none.

    `path` is relative to the workspace. A read has `before` alone and `changed` False. Contents become snapshots in the
    journal, by digest. `mode` are the permission bits of the file that was replaced, which hands them on, or deleted.

    A file that was read and is too large to be held is told by `digest`, the SHA-256 of what was read, in place of
    `before`; `near` is then what stands around the lines that the result shows: secrets are looked for there.
    """

    path: str
    before: bytes | None = None
    after: bytes | None = None
    changed: bool = False
    mode: int | None = None
    digest: Digest | None = None
    near: bytes = b""


@value(frozen=True, slots=True)
class Preview:
    """What a call would change, before it does: `text` is a unified diff, or a line that says it.

    `contents` are the files that it shows parts of, whole: a secret that stands there is known by its lines here.
    """

    text: str
    contents: tuple[bytes, ...] = ()


@value(frozen=True, slots=True)
class ToolResult:
    """What a call gives back: `content` is the text the model reads, `data` the same as JSON where that says more.

    `how` is how it was come by, where that is not plainly one call: `attempts`, `waited_s`, `cached_s` (its age).
    `in_doubt` says of a call that was stopped that nobody knows how far it came; a tool that gives back `timeout` by
    itself may know. `unseen` says that it may have changed files that `files` does not tell of. `artifacts` are the
    SHA-256 of contents that were kept beside the journal.
    """

    content: str
    status: ToolStatus = "ok"
    data: Any = None
    files: tuple[FileChange, ...] = field(default=(), compare=False)
    how: dict[str, float] = field(default_factory=dict, compare=False)
    in_doubt: bool = field(default=False, compare=False)
    unseen: bool = field(default=False, compare=False)
    artifacts: tuple[Digest, ...] = field(default=(), compare=False)


@value(frozen=True, slots=True)
class FileTouch:
    """A file that a call read or changed, by the digests of its content (None: there was none).

    `masked` says that the content holds a secret, or was too large to be looked through for one: then the digests are
    keyed ones (of a large content, that of its SHA-256) and no snapshot is kept. `mode` are the permission bits (at
    most 0777) that the file had before, and has after; None where they are not known.
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
        known = cls.__dataclass_fields__.keys()
        touch = cls(**(value if value.keys() <= known else {name: value[name] for name in known & value.keys()}))
        digests = [digest for digest in (touch.before, touch.after) if digest is not None]
        if not isinstance(touch.path, str) or not all(map(_DIGEST.fullmatch, digests)):
            raise ValueError("it names no file by a path and digests")
        if touch.mode is not None and (type(touch.mode) is not int or not 0 <= touch.mode <= _PERMISSIONS):
            raise ValueError("the permissions of a file in it are none")
        return touch
