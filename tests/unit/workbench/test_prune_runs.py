"""Pruning a project: forks, their workspaces, and runs that are being written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.cli.approver import Nobody
from agentcli.errors import StorageError, UsageError
from agentcli.workbench.fork_files import workspace_folder
from agentcli.workbench.fork_run import ForkRequest, fork_run
from agentcli.workbench.prune_choice import Kept, PruneRequest
from agentcli.workbench.prune_runs import plan_prune, prune_runs
from agentcli.workbench.pruned_workspaces import PrunedWorkspace, remove_workspaces, workspaces_of
from agentcli.workbench.wiring import Workbench
from tests.fakes.recorded import start
from tests.unit.workbench.conftest import Project


@pytest.fixture
def bench(project: Project) -> Iterator[Workbench]:
    """A run and its fork, which has a workspace of its own."""
    asyncio.run(project.run())
    with project.bench() as made:
        asyncio.run(fork_run(made, ForkRequest("last", at=2), approver=Nobody()))
        yield made


def ids(bench: Workbench) -> tuple[str, str]:
    return bench.journal.find("last~1").start.id, bench.journal.find("last").start.id


def test_a_plan_does_nothing(bench: Workbench) -> None:
    run, fork = ids(bench)
    plan = plan_prune(bench, PruneRequest(keep=0))
    assert [row.start.id for row in plan.going] == [fork, run]
    assert [one.run for one in plan.workspaces] == [fork]
    assert plan.bytes is not None
    assert plan.freed is not None
    assert 0 < plan.freed < plan.bytes
    assert ids(bench) == (run, fork)
    assert workspace_folder(bench, fork).is_dir()


def test_a_workspace_stays_unless_it_is_meant_to_go(bench: Workbench) -> None:
    fork = ids(bench)[1]
    folder = workspace_folder(bench, fork)
    (folder / "mine.txt").write_text("edited by a person")
    (plan,) = plan_prune(bench, PruneRequest(runs=("last",))).workspaces
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert plan.bytes == sum(path.stat().st_size for path in files) > len("edited by a person")
    done = prune_runs(bench, plan_prune(bench, PruneRequest(runs=("last",))))
    assert (done.pruned.runs, done.removed_workspaces) == ([fork], False)
    assert (folder / "mine.txt").read_text() == "edited by a person"


def test_the_workspace_of_a_fork_that_goes_is_removed_where_that_is_said(bench: Workbench) -> None:
    run, fork = ids(bench)
    (workspace_folder(bench, fork) / "link").symlink_to("/etc")
    done = prune_runs(bench, plan_prune(bench, PruneRequest(runs=(fork,), workspaces=True)))
    assert done.pruned.runs == [fork]
    assert not workspace_folder(bench, fork).exists()
    assert bench.journal.find("last").start.id == run
    assert Path("/etc").is_dir()


def test_a_workspace_that_was_left_goes_later_once_it_is_old(bench: Workbench) -> None:
    """A fork that is just being made has a workspace before it has a run."""
    run, fork = ids(bench)
    prune_runs(bench, plan_prune(bench, PruneRequest(runs=(fork,))))
    request = PruneRequest(workspaces=True)
    assert plan_prune(bench, request).workspaces == ()
    os.utime(workspace_folder(bench, fork), (1, 1))
    plan = plan_prune(bench, request)
    assert (plan.going, [one.run for one in plan.workspaces]) == ((), [fork])
    prune_runs(bench, plan)
    assert not workspace_folder(bench, fork).exists()
    assert bench.journal.find("last").start.id == run


def test_the_workspace_of_a_run_that_changed_meanwhile_stays(bench: Workbench) -> None:
    fork = ids(bench)[1]
    plan = plan_prune(bench, PruneRequest(runs=(fork,), workspaces=True))
    bench.journal.tag(fork, ["wanted"])
    done = prune_runs(bench, plan)
    assert (done.pruned.kept, done.workspaces) == ([fork], ())
    assert done.to_json()["kept"] == [{"run": fork, "reason": "changed", "by": []}]
    assert workspace_folder(bench, fork).is_dir()


def test_what_a_fork_needs_stays_and_reads_as_before(bench: Workbench) -> None:
    run, fork = ids(bench)
    plan = plan_prune(bench, PruneRequest(keep=1))
    assert (plan.going, plan.kept) == ((), (Kept(run, "needed", (fork,)),))
    done = prune_runs(bench, plan)
    assert done.pruned.runs == []
    assert bench.journal.verify(fork).intact
    assert bench.journal.verify(run).intact


def test_a_run_that_is_being_written_stays(bench: Workbench) -> None:
    log = bench.journal.begin(start(7))
    asyncio.run(log.barrier())
    assert plan_prune(bench, PruneRequest(runs=(log.run,))).kept == (Kept(log.run, "running"),)
    asyncio.run(log.abandon())


def test_as_many_of_the_newest_stay_as_fit(bench: Workbench) -> None:
    plan = plan_prune(bench, PruneRequest(keep=0))
    assert plan.bytes is not None
    assert plan_prune(bench, PruneRequest(max_size=plan.bytes + 10_000)).going == ()
    assert len(plan_prune(bench, PruneRequest(max_size=0)).going) == 2


def test_nothing_goes_without_a_word(bench: Workbench) -> None:
    with pytest.raises(UsageError) as caught:
        plan_prune(bench, PruneRequest(keep_tags=("x",)))
    assert caught.value.code == "E-PRUNE-NOTHING"


def test_where_nothing_was_recorded_there_is_nothing_to_prune(project: Project) -> None:
    with project.bench() as bench:
        plan = plan_prune(bench, PruneRequest(keep=0, max_size=0))
        assert (plan.going, plan.bytes, plan.freed) == ((), None, None)
        assert prune_runs(bench, plan).to_json()["bytes_after"] == 0
        assert not bench.journal_folder.exists()


def test_only_folders_of_runs_are_workspaces(tmp_path: Path) -> None:
    (tmp_path / "20261121-081532-k7f3qz").mkdir()
    (tmp_path / "20261121-081532-k7f3qz" / "link").symlink_to("nowhere")
    (tmp_path / "a file").write_text("x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "link").symlink_to("/etc")
    found = workspaces_of(tmp_path, {"20261121-081532-k7f3qz", "link", ".hidden"}, set())
    assert found == (PrunedWorkspace("20261121-081532-k7f3qz", len("nowhere")),)
    assert workspaces_of(tmp_path / "link", {"x"}, set()) == ()
    remove_workspaces(tmp_path, ["gone", "20261121-081532-k7f3qz"])
    assert not (tmp_path / "20261121-081532-k7f3qz").exists()


def test_a_workspace_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    for folder, run in ((tmp_path / "link", "x"), (tmp_path, "link")):
        with pytest.raises(StorageError) as caught:
            remove_workspaces(folder, [run])
        assert caught.value.code == "E-PRUNE-WORKSPACES"
