"""How a program ended, as the result of a call: its exit, its output within a bound, and the files that it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from agentcli.core.paths import shown
from agentcli.core.processes import Finished, Stopped
from agentcli.core.safe_text import safe
from agentcli.core.tools import FileChange, ToolResult, ToolStatus
from agentcli.sandbox.taking_over import Taken

NAMED: Final = 20
"""So many files are named in each list of a result."""

_IN_PLACE: Final = "[it worked in the workspace itself, which is too large to be copied: its changes are not listed]"

_WHY_STOPPED: Final[Mapping[Stopped, str]] = {
    "time": "its time was up",
    "cpu": "its CPU time was used up",
    "memory": "it needed too much memory",
    "processes": "it started too many processes",
    "disk": "the disk was almost full",
}


class OutputLimits(Protocol):
    """How much of a program's output is shown."""

    @property
    def max_bytes(self) -> int:
        """UTF-8 bytes."""


def result_of(finished: Finished, taken: Taken | None, limits: OutputLimits, *, in_place: bool = False) -> ToolResult:
    """The result. `taken` is None for a program that was stopped: nothing it did counts, unless it worked in place."""
    out, err = (safe(data.decode(errors="replace")).strip("\n") for data in (finished.stdout, finished.stderr))
    room = limits.max_bytes
    shown_err = _cut(err, room // 2 if out else room)
    shown_out = _cut(out, room - len(shown_err.encode()))
    parts = [_head(finished, in_place=in_place), *_stream("stdout", shown_out), *_stream("stderr", shown_err)]
    if finished.dropped:
        parts.append(f"[{finished.dropped:,} bytes of output were not kept]")
    files = tuple(taken.files) if taken is not None else ()
    parts += [_IN_PLACE] if in_place else told_of(files, taken)
    return ToolResult("\n".join(parts), _status(finished), _data(finished, files, taken), files)


def _head(finished: Finished, *, in_place: bool) -> str:
    if finished.stopped:
        after = "" if in_place else "; none of its changes to files were taken over"
        return f"stopped: {_WHY_STOPPED[finished.stopped]}{after}"
    if finished.exit_code < 0:
        return f"ended by signal {-finished.exit_code}"
    return f"exit code {finished.exit_code}"


def _status(finished: Finished) -> ToolStatus:
    if finished.stopped in ("time", "cpu"):
        return "timeout"
    return "error" if finished.stopped or finished.exit_code else "ok"


def _stream(name: str, text: str) -> Iterator[str]:
    if text:
        yield f"{name}:\n{text}"


def _cut(text: str, most: int) -> str:
    """The beginning and, more of it, the end: there it says what went wrong."""
    data = text.encode()
    if len(data) <= most:
        return text
    first = most // 4
    begin, end = data[:first].decode(errors="ignore"), data[len(data) - (most - first) :].decode(errors="ignore")
    return f"{begin}\n[… {len(data) - most:,} bytes left out …]\n{end}"


def told_of(files: Sequence[FileChange], taken: Taken | None) -> Iterator[str]:
    """What became of files, a line for each kind of change."""
    if taken is None:
        return
    if taken.cut:
        yield f"[none of its changes to files were taken over: {taken.cut}]"
    for word, paths in _by_kind(files).items():
        if paths:
            yield f"[{word}: {_listed(paths)}]"
    if taken.left:
        yield f"[not taken over: {_listed([f'{shown(path)} ({why})' for path, why in taken.left.items()])}]"


def _by_kind(files: Sequence[FileChange]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"created": [], "changed": [], "deleted": []}
    for change in files:
        kind = "created" if change.before is None else "deleted" if change.after is None else "changed"
        found[kind].append(change.path)
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _data(finished: Finished, files: Sequence[FileChange], taken: Taken | None) -> dict[str, Any]:
    data: dict[str, Any] = {"exit_code": finished.exit_code, **_by_kind(files)}
    if finished.stopped:
        data["stopped"] = finished.stopped
    if taken is not None and (taken.left or taken.cut):
        data["left"] = {shown(path): why for path, why in taken.left.items()}
        data["cut"] = taken.cut
    return data
