"""Events of calls that read and change files, as a run records them."""

from __future__ import annotations

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.events import Event, ToolCompleted
from agentcli.core.tools import FileTouch
from tests.fakes.engine import RUN


def touched(seq: int, *files: FileTouch) -> Event:
    """A call that ended well."""
    return Event(RUN, seq, 0.0, 0.0, ToolCompleted("t", "c", "ok", "", None, 0.1, files))


def changed(path: str, before: bytes | None, after: bytes | None, mode: int | None = None) -> FileTouch:
    """A change of which snapshots were kept."""
    return FileTouch(path, _of(before), _of(after), changed=True, mode=mode)


def read(path: str, content: bytes | None) -> FileTouch:
    """A file that was looked at."""
    return FileTouch(path, _of(content), None, changed=False)


def _of(content: bytes | None) -> Digest | None:
    return None if content is None else digest_bytes(content)
