"""The files of a run as they were at a point of it, as far as its record tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from agentcli.core.canonical import Digest
from agentcli.core.events import Event, ToolCompleted
from agentcli.core.tools import FileTouch
from agentcli.core.values import value
from agentcli.errors import UsageError


@value(frozen=True, slots=True)
class FilesAtCut:
    """What is known of files at a cut; each path, as the workspace knows it, stands in one of the three.

    `changed` are those of which a snapshot was kept, None where there was no file. `masked` is the same for content
    that holds a secret: the digests are keyed ones, and no snapshot was kept. `read` is what was last read of a file
    that no snapshot tells of: its content's digest (a keyed one if it held a secret), None where there was no file.
    `modes` are the permission bits of those of `changed` of which they are on record.
    """

    changed: Mapping[str, Digest | None]
    read: Mapping[str, Digest | None]
    masked: Mapping[str, Digest]
    modes: Mapping[str, int] = field(default_factory=dict)


@value(frozen=True, slots=True)
class _State:
    """A file's content at some moment: its digest, and whether a call changed it, so that a snapshot was kept."""

    digest: Digest | None
    masked: bool
    changed: bool
    mode: int | None

    def is_same(self, other: _State) -> bool:
        return (self.digest, self.masked) == (other.digest, other.masked)


def files_at(events: Iterable[Event], cut: int) -> FilesAtCut:
    """The files as they were once the event `cut` had happened. `events` are those of the run, in their order.

    What was seen last up to the cut counts: a change by what it left, a read by what it found. A file that was not seen
    until then is known from the first change after the cut, by what that found. After a call whose changes are not
    known, nothing that was seen before it counts.

    Raises UsageError E-FORK-FILES-UNSEEN where such a call came after the cut: what it changed cannot be undone.
    """
    known: dict[str, _State] = {}
    found: dict[str, _State] = {}
    for event in events:
        if not isinstance(event.body, ToolCompleted):
            continue
        if event.body.unseen:
            _refuse_unseen(event, event.body, cut)
            known.clear()
        for touch in event.body.files:
            if event.seq <= cut:
                _see(known, touch)
            elif touch.changed:
                found.setdefault(touch.path, _State(touch.before, touch.masked, True, touch.mode))
    for path, state in found.items():
        # A file that was only read has a snapshot if a later call changed that very content.
        if path not in known or known[path].is_same(state):
            known[path] = state
    return _told_apart(known)


def _refuse_unseen(event: Event, body: ToolCompleted, cut: int) -> None:
    if event.seq > cut:
        raise UsageError(
            "E-FORK-FILES-UNSEEN",
            f"The files as they were at event {cut} cannot be had.",
            why=f"`{body.tool}` (event {event.seq}) worked in the workspace itself, and what it changed is not known.",
            fix="Use the files as they are now: `--files current`.",
        )


def _see(known: dict[str, _State], touch: FileTouch) -> None:
    state = _State(touch.after if touch.changed else touch.before, touch.masked, touch.changed, touch.mode)
    before = known.get(touch.path)
    if before is None or touch.changed or not before.is_same(state):  # else: read as it was left
        known[touch.path] = state


def _told_apart(known: Mapping[str, _State]) -> FilesAtCut:
    changed: dict[str, Digest | None] = {}
    read: dict[str, Digest | None] = {}
    masked: dict[str, Digest] = {}
    modes: dict[str, int] = {}
    for path, state in known.items():
        if not state.changed:
            read[path] = state.digest
        elif state.masked and state.digest is not None:
            masked[path] = state.digest
        else:
            changed[path] = state.digest
            if state.mode is not None and state.digest is not None:
                modes[path] = state.mode
    return FilesAtCut(changed, read, masked, modes)
