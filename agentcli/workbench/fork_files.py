"""A workspace of its own for a fork: the files of its parent as they were at the cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agentcli.core.events import Event
from agentcli.core.paths import shown
from agentcli.core.runs import RunRow
from agentcli.core.values import value
from agentcli.errors import StorageError, UsageError
from agentcli.workbench.files_at_cut import FilesAtCut, files_at
from agentcli.workbench.provenance import is_ours

if TYPE_CHECKING:
    from agentcli.sandbox.copying import Cap
    from agentcli.sandbox.paths import Workspace
    from agentcli.workbench.restoring import Drift
    from agentcli.workbench.wiring import Workbench

WORKSPACES: Final = "workspaces"
"""The folder of a journal in which forks have theirs."""

_NAMED: Final = 5
"""So many files are named in an error."""


@value(frozen=True, slots=True)
class Restored:
    """A fork's workspace.

    `found` says whether the parent's workspace was still there, `copied` how many files came from it. `restored` are
    the files that were put back as they were at the cut, those that were not there included. `left_out` is what is not
    in the copy: what cannot be copied, and folders (with a `/`) of what programs make again.
    """

    target: Path
    found: bool
    copied: int
    restored: tuple[str, ...]
    drifted: tuple[Drift, ...]
    left_out: tuple[str, ...]


def workspace_folder(bench: Workbench, run: str) -> Path:
    """Where a fork's own workspace is, whether or not it has been made. ValueError for what is no run's id."""
    from agentcli.journal.foreign import RUN_ID

    if RUN_ID.fullmatch(run) is None:
        raise ValueError(f"not a run id: {run!r}")
    return bench.journal_folder / WORKSPACES / run


def open_workspace(bench: Workbench, folder: Path) -> Workspace:
    """The confined view of a fork's own workspace, for its tools. Raises UsageError E-WORKSPACE for another folder."""
    from agentcli.sandbox.paths import Workspace

    return Workspace(folder, private=bench.places.private, copies=bench.journal_folder / WORKSPACES)


def files_to_restore(bench: Workbench, row: RunRow, events: Iterable[Event], cut: int) -> FilesAtCut:
    """The files of a run as they were at a cut. Permission bits only of a run that was recorded here.

    A file that somebody else's record makes a program could be run by whatever looks for one, as git does for hooks.
    """
    files = files_at(events, cut)
    return files if is_ours(bench, row) else replace(files, modes={})


def make_workspace(
    bench: Workbench,
    source: Path,
    target: Path,
    files: FilesAtCut,
    *,
    drift: Literal["refuse", "accept"] = "refuse",
    cap: Cap | None = None,
) -> Restored:
    """Make `target`, which `workspace_folder` gave: the parent's workspace `source`, its files as they were at the cut.

    It appears whole or not at all; blocks. `source` is the workspace of this workbench, or a fork's own; where it is
    not there any more, only what the journal holds can be had. With `drift` accepted, files that were read, and changed
    since, are taken as they are now.
    Raises UsageError E-FORK-FILES-LARGE past the cap, -DRIFTED, -SECRET, -MISSING; StorageError E-FORK-FILES-PLACE
    where the record names what can be no file of a workspace, E-FORK-FILES-IO; ValueError for any other folder.
    """
    from agentcli.journal.foreign import refuse_links
    from agentcli.sandbox.copying import Cap
    from agentcli.sandbox.drafts import drafted
    from agentcli.workbench.restoring import Restoring, canonical

    if target != workspace_folder(bench, target.name):
        raise ValueError(f"not the folder of a fork: {target}")
    refuse_links(bench.journal_folder)
    with _telling(target), ExitStack() as stack:
        draft = stack.enter_context(drafted(target.parent, target.name))
        view = stack.enter_context(closing(open_workspace(bench, draft)))
        making = Restoring(bench.journal, bench.redactor, view, canonical(view, files), cap or Cap())
        parent = _open_source(bench, source)
        copied = making.copy(stack.enter_context(closing(parent))) if parent else None
        making.restore()
        if making.drifted and drift == "refuse":
            raise _drifted(making.drifted)
        left_out = [*making.derived, *(copied.left_out if copied else ())]
        return Restored(
            target,
            found=copied is not None,
            copied=copied.files if copied else 0,
            restored=tuple(sorted(making.restored)),
            drifted=tuple(making.drifted),
            left_out=tuple(sorted(left_out)),
        )


def _open_source(bench: Workbench, source: Path) -> Workspace | None:
    """The parent's workspace; None if it is gone. No folder is copied just because a record names it."""
    from agentcli.sandbox.paths import Workspace
    from agentcli.sandbox.roots import is_copy

    if not source.exists():
        return None
    if is_copy(source, bench.journal_folder / WORKSPACES):
        return open_workspace(bench, source)
    if source.resolve() == bench.workspace.resolve():
        return Workspace(source, private=bench.places.private)
    raise ValueError(f"not a workspace of this workbench: {source}")


@contextmanager
def _telling(target: Path) -> Iterator[None]:
    """What the system says of the disk, as an error of ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            "E-FORK-FILES-IO",
            f"The workspace of the fork could not be made: {target}.",
            why=f"{error.strerror or error}.",
            fix="Free some space, or check the permissions of the journal's folder.",
        ) from error


def _drifted(drifted: Sequence[Drift]) -> UsageError:
    from agentcli.workbench.restoring import PRESENT

    names = ", ".join(f"`{shown(one.path)}`" for one in drifted[:_NAMED])
    more = f" and {len(drifted) - _NAMED} more" if len(drifted) > _NAMED else ""
    return UsageError(
        "E-FORK-FILES-DRIFTED",
        f"Files that the run had read are not as they were: {names}{more}.",
        why="They changed since, and what they held was not kept.",
        fix=PRESENT,
    )
