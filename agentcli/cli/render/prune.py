"""What pruning would do, and has done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, size
from agentcli.cli.render.run_list import print_runs
from agentcli.core.runs import RunRow
from agentcli.workbench.prune_choice import Kept, Reason
from agentcli.workbench.prune_runs import PruneDone, PrunePlan
from agentcli.workbench.pruned_copies import PrunedCopy
from agentcli.workbench.pruned_workspaces import PrunedWorkspace

SHOWN = 20
"""So many runs are listed, the newest; the number of the others is told."""

_NAMED = 3

_WHY: dict[Reason, str] = {
    "running": "running",
    "tagged": "tagged {by}; name the tag with --tag",
    "interrupted": "interrupted, so it can be resumed; --status interrupted or --older-than means it",
    "needed": "{by} comes from it and stays",
    "part": "a part of {by}; it goes with that",
}


def print_plan(out: Printer, plan: PrunePlan, now: float) -> None:
    """The runs that go, those that stay and why, and what comes free; `now` is Unix seconds."""
    rows: Sequence[RunRow] = plan.listed()
    if rows:
        print_runs(out, rows[:SHOWN], now)
    if len(rows) > SHOWN:
        out.line(out.style(f"and {count(len(rows) - SHOWN, 'older run')}", "dim"))
    for line in _kept_lines(plan.kept):
        out.line(line)
    runs = count(len(rows), "run") if rows else "No run"
    goes = "goes" if len(rows) < 2 else "go"
    freed = ""
    if plan.bytes is not None and plan.freed is not None:
        freed = f"; about {size(plan.freed)} of {size(plan.bytes)} come free"
    out.line(f"{runs} {goes}{freed}.")
    for line in _workspace_lines(plan.workspaces, removed=plan.removes_workspaces, done=False):
        out.line(line)
    for line in _copy_lines(plan.copies, done=False):
        out.line(line)


def print_done(out: Printer, done: PruneDone) -> None:
    """What went, and what the journal takes now."""
    pruned = done.pruned
    runs = count(len(pruned.runs), "run") if pruned.runs else "No run"
    verb = "was" if len(pruned.runs) < 2 else "were"
    out.line(f"{runs} {verb} pruned; the journal takes {size(pruned.after)}, before it took {size(pruned.before)}.")
    for line in _workspace_lines(done.workspaces, removed=done.removed_workspaces, done=True):
        out.line(line)
    for line in _copy_lines(done.copies, done=True):
        out.line(line)


def remarks(done: PruneDone, *, told: bool = False) -> Iterator[str]:
    """What stayed although it was to go, and why; without what the plan had `told` already."""
    yield from _kept_lines(() if told else done.kept)
    pruned = done.pruned
    if pruned.kept:
        names = _some(pruned.kept)
        yield f"Kept: {names}: changed meanwhile, so it was left as it is; look again and repeat."
    if pruned.held:
        yield "The space is free inside the file, which shrinks only while nothing runs: repeat it then."


def _kept_lines(kept: Sequence[Kept]) -> Iterator[str]:
    """One line for each reason, or for each run where the reason names another one."""
    grouped: dict[str, list[str]] = {}
    for one in kept:
        why = _WHY[one.reason].format(by=", ".join(one.by))
        grouped.setdefault(why, []).append(one.run)
    for why, runs in grouped.items():
        yield f"Kept: {_some(runs)}: {why}."


def _some(runs: Sequence[str]) -> str:
    shown = ", ".join(runs[:_NAMED])
    return shown if len(runs) <= _NAMED else f"{shown} and {count(len(runs) - _NAMED, 'more run')}"


def _workspace_lines(workspaces: Iterable[PrunedWorkspace], *, removed: bool, done: bool) -> Iterator[str]:
    sizes = [one.bytes for one in workspaces]
    if not sizes:
        return
    one = len(sizes) == 1
    what = f"{count(len(sizes), 'workspace')} of forks with {size(sum(sizes))}"
    if not removed:
        yield f"{what} {'stays' if one else 'stay'}, edited or not: --workspaces removes {'it' if one else 'them'}."
    elif done:
        yield f"{what} {'was' if one else 'were'} removed."
    else:
        yield f"{what} {'goes' if one else 'go'} too."


def _copy_lines(copies: Sequence[PrunedCopy], *, done: bool) -> Iterator[str]:
    if not copies:
        return
    one = len(copies) == 1
    what = (
        f"{'1 copy' if one else f'{len(copies):,} copies'} of fetched content with {size(sum(c.bytes for c in copies))}"
    )
    yield f"{what} {'was' if one else 'were'} removed." if done else f"{what} {'goes' if one else 'go'} too."
