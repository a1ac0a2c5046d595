"""Prune the journal: runs that are old or too many go, what others need stays, and the space comes back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentcli.core.runs import RunQuery, RunRow
from agentcli.core.values import value
from agentcli.errors import UsageError
from agentcli.sandbox.artifacts import FOLDER
from agentcli.workbench.fork_files import WORKSPACES
from agentcli.workbench.prune_choice import Choice, Chooser, Kept, PruneRequest
from agentcli.workbench.pruned_copies import Needed, PrunedCopy, copies_of, remove_copies, settled_before
from agentcli.workbench.pruned_workspaces import PrunedWorkspace, remove_workspaces, workspaces_of
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.journal.pruning import Pruned

_NOTHING = Choice((), ())


@value(frozen=True, slots=True)
class PrunePlan:
    """What would go, and what stays although it was chosen.

    `bytes` are those of the journal now, `freed` about how many come free; both are None where they were not asked for.
    `workspaces` are those of the runs that go, and of runs that are gone; they go where `removes_workspaces`. `copies`
    are those of fetched contents that no run names then, or that are as old as was asked for.
    """

    going: tuple[RunRow, ...]
    kept: tuple[Kept, ...]
    workspaces: tuple[PrunedWorkspace, ...]
    removes_workspaces: bool
    copies: tuple[PrunedCopy, ...] = ()
    bytes: int | None = None
    freed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """One object; `runs` are ids, newest first."""
        return {
            "dry_run": True,
            "runs": [row.start.id for row in self.listed()],
            "kept": [kept.to_json() for kept in self.kept],
            "bytes_before": self.bytes,
            "bytes_after": None if self.bytes is None or self.freed is None else max(0, self.bytes - self.freed),
            "workspaces": _workspaces_json(self.workspaces, removed=self.removes_workspaces),
            "copies": _copies_json(self.copies),
        }

    @property
    def removes(self) -> bool:
        """Whether anything goes."""
        return bool(self.going or self.copies or (self.workspaces and self.removes_workspaces))

    def listed(self) -> list[RunRow]:
        """The runs that go, newest first."""
        return sorted(self.going, key=lambda row: row.start.started, reverse=True)


@value(frozen=True, slots=True)
class PruneDone:
    """What was done. See `Pruned` for what the journal says of it."""

    pruned: Pruned
    kept: tuple[Kept, ...]
    workspaces: tuple[PrunedWorkspace, ...]
    removed_workspaces: bool
    copies: tuple[PrunedCopy, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One object, like that of the plan."""
        changed = [{"run": run, "reason": "changed", "by": []} for run in self.pruned.kept]
        return {
            "dry_run": False,
            "runs": self.pruned.runs,
            "kept": [*(kept.to_json() for kept in self.kept), *changed],
            "bytes_before": self.pruned.before,
            "bytes_after": self.pruned.after,
            "workspaces": _workspaces_json(self.workspaces, removed=self.removed_workspaces),
            "copies": _copies_json(self.copies),
            "contents": self.pruned.contents,
            "compacted": self.pruned.compacted,
            "held": self.pruned.held,
            "unreadable": self.pruned.unreadable,
        }


def plan_prune(bench: Workbench, request: PruneRequest, *, weighed: bool = True) -> PrunePlan:
    """What would be done; nothing is changed.

    Raises UsageError E-PRUNE-NOTHING, E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; StorageError.
    """
    if not request.says_what and not request.workspaces and request.copies_before is None:
        raise _says_nothing()
    named = frozenset(bench.journal.find(ref).start.id for ref in request.runs)
    rows = bench.journal.runs(RunQuery(children=True, limit=None))
    choice = _choice(bench, rows, request, named)
    going = {row.start.id for row in choice.going}
    staying = {row.start.id for row in rows} - going
    workspaces = workspaces_of(bench.journal_folder / WORKSPACES, going, staying)
    folder, needed = bench.journal_folder / FOLDER, _needed_without(bench, going)
    copies = copies_of(folder, needed, settled_before(rows), request.copies_before)
    plan = PrunePlan(choice.going, choice.kept, workspaces, request.workspaces, copies)
    if not weighed or not bench.journal.path.exists():
        return plan
    size, freed = bench.journal.pruner().weigh(going)
    return replace(plan, bytes=size, freed=freed)


def prune_runs(bench: Workbench, plan: PrunePlan) -> PruneDone:
    """Do what was planned, as far as the runs are as they were.

    Raises StorageError, also E-PRUNE-BUSY, and E-PRUNE-WORKSPACES, E-PRUNE-COPIES once the runs are gone.
    """
    from agentcli.journal.pruning import Pruned

    done = bench.journal.pruner().prune(plan.going) if bench.journal.path.exists() else Pruned()
    changed = set(done.kept)
    workspaces = tuple(one for one in plan.workspaces if one.run not in changed)
    if plan.removes_workspaces and workspaces:
        remove_workspaces(bench.journal_folder / WORKSPACES, (one.run for one in workspaces))
    copies = remove_copies(bench.journal_folder / FOLDER, plan.copies, _needed_without(bench, ()))
    return PruneDone(done, plan.kept, workspaces, plan.removes_workspaces, copies)


def _needed_without(bench: Workbench, going: Collection[str]) -> Needed:
    """What the other runs name; nothing where none was recorded."""
    return lambda: bench.journal.pruner().needed(going) if bench.journal.path.exists() else frozenset[bytes]()


def _choice(bench: Workbench, rows: Sequence[RunRow], request: PruneRequest, named: frozenset[str]) -> Choice:
    if not request.says_what:
        return _NOTHING

    def fits(staying: Any, groups: Any) -> int:
        return bench.journal.pruner().fitting(staying, groups, request.max_size or 0)

    return Chooser(rows, request, named).choose(fits)


def _workspaces_json(workspaces: Sequence[PrunedWorkspace], *, removed: bool) -> list[dict[str, Any]]:
    return [{**one.to_json(), "removed": removed} for one in workspaces]


def _copies_json(copies: Sequence[PrunedCopy]) -> dict[str, int]:
    return {"count": len(copies), "bytes": sum(copy.bytes for copy in copies)}


def _says_nothing() -> UsageError:
    return UsageError(
        "E-PRUNE-NOTHING",
        "It is not clear which runs are to go.",
        why="Nothing goes without a word about which: runs, their age, number, size, tag or status.",
        fix="Say it, such as `--older-than 30d`, `--keep 100`, `--max-size 500MB`, `--tag ci` or `--status failed`.",
    )
