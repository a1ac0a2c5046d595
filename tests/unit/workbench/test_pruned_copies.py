"""Copies of what was fetched go with the last run that names them, or by age; a replay does without them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Container
from pathlib import Path

import pytest

from agentcli.core.runs import RunRow
from agentcli.errors import StorageError
from agentcli.sandbox.artifacts import Artifacts, KeptCopy
from agentcli.workbench.prune_choice import PruneRequest
from agentcli.workbench.prune_runs import PruneDone, plan_prune, prune_runs
from agentcli.workbench.pruned_copies import PrunedCopy, copies_of, remove_copies, settled_before
from agentcli.workbench.replay_run import replay_run
from tests.fakes.recorded import start
from tests.fakes.web import canned, page
from tests.unit.workbench.conftest import AGENT, Project
from tests.unit.workbench.test_web_runs import FETCH, NAMES, TOOLS, run

LATER = 4_000_000_000.0


@pytest.fixture
def reading(project: Project) -> Project:
    project.script(FETCH, "It is a guide.")
    project.agent(text=AGENT.replace(TOOLS, 'tools: [fetch_url: {domains: ["docs.example.org"]}]'))
    return project


def copies(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / ".agentcli" / "artifacts").iterdir())


async def fetch(project: Project, text: str) -> str:
    outcome = await run(project, canned(NAMES, page(text)))
    assert outcome.status == "completed"
    return outcome.run


def prune(project: Project, **request: object) -> PruneDone:
    with project.bench() as bench:
        return prune_runs(bench, plan_prune(bench, PruneRequest(**request)))  # type: ignore[arg-type]


async def test_a_copy_goes_with_the_last_run_that_names_it(reading: Project) -> None:
    first, second = await fetch(reading, "the same"), await fetch(reading, "the same")
    other = await fetch(reading, "another")
    assert len(copies(reading)) == 2
    with reading.bench() as bench:
        assert plan_prune(bench, PruneRequest(runs=(first,))).copies == ()
        plan = plan_prune(bench, PruneRequest(runs=(first, second)))
    assert ([copy.bytes for copy in plan.copies], plan.to_json()["copies"]) == ([8], {"count": 1, "bytes": 8})
    assert prune(reading, runs=(first,)).copies == ()
    assert len(copies(reading)) == 2
    done = prune(reading, runs=(second,))
    assert done.to_json()["copies"] == {"count": 1, "bytes": 8}
    assert len(copies(reading)) == 1
    with reading.bench() as bench:
        (reading.root / ".agentcli" / "artifacts" / copies(reading)[0]).unlink()
        assert (await replay_run(bench, other)).divergence is None


async def test_what_no_run_names_goes_with_any_prune_and_what_somebody_put_there_stays(reading: Project) -> None:
    run = await fetch(reading, "named")
    folder = reading.root / ".agentcli" / "artifacts"
    (named,) = copies(reading)
    (folder / f"{'0' * 32}.html").write_text("of a call that failed")
    (folder / ".agentcli.tmp-0123").write_text("of a process that was killed")
    (folder / "mine.html").write_text("a person's")
    (folder / f"{'1' * 32}.txt").mkdir()
    (folder / f"{'2' * 32}.txt").symlink_to(folder / "mine.html")
    done = prune(reading, workspaces=True)
    assert [copy.name for copy in done.copies] == [".agentcli.tmp-0123", f"{'0' * 32}.html"]
    assert copies(reading) == sorted([named, "mine.html", f"{'1' * 32}.txt", f"{'2' * 32}.txt"])
    assert prune(reading, runs=(run,)).copies[0].name == named


async def test_copies_go_by_age_though_runs_name_them(reading: Project) -> None:
    old, new = await fetch(reading, "old"), await fetch(reading, "new")
    folder = reading.root / ".agentcli" / "artifacts"
    (aged,) = [name for name in copies(reading) if (folder / name).read_text() == "old"]
    os.utime(folder / aged, (1, 1))
    done = prune(reading, copies_before=time.time() - 3600)
    assert ([copy.name for copy in done.copies], done.pruned.runs) == ([aged], [])
    with reading.bench() as bench:
        for run in (old, new):
            assert (await replay_run(bench, run)).divergence is None


async def test_where_a_run_cannot_be_read_its_copies_stay(reading: Project) -> None:
    run = await fetch(reading, "named")
    with reading.bench() as bench:
        assert bench.journal.pruner().needed(()) is not None
        path = bench.journal.path
    with sqlite3.connect(path) as database:
        database.execute("UPDATE runs SET manifest = zeroblob(32) WHERE id = ?", (run,))
    assert prune(reading, workspaces=True).copies == ()
    assert len(copies(reading)) == 1


def put(folder: Path, text: bytes = b"x") -> KeptCopy:
    copy = Artifacts(folder, folder, lambda _: False).keep(text, ".txt")
    assert copy is not None
    return copy


def nothing() -> Container[bytes]:
    return frozenset()


def test_what_a_run_at_work_may_be_about_to_name_stays(tmp_path: Path) -> None:
    put(tmp_path)
    rows = [RunRow(start(1, started=50.0), "running"), RunRow(start(2, started=20.0), "completed")]
    assert settled_before(rows) == 50.0
    assert settled_before(rows[1:]) > 50.0
    assert copies_of(tmp_path, nothing, 50.0, None) == ()
    assert len(copies_of(tmp_path, nothing, LATER, None)) == 1


def test_what_was_made_again_or_named_meanwhile_stays(tmp_path: Path) -> None:
    copy = put(tmp_path)
    planned = copies_of(tmp_path, nothing, LATER, None)
    assert remove_copies(tmp_path, planned, lambda: {bytes.fromhex(copy.digest)[:16]}) == ()
    assert remove_copies(tmp_path, planned, lambda: None) == ()
    os.utime(tmp_path / copy.path, (1, 1))
    assert remove_copies(tmp_path, planned, nothing) == ()
    (aged,) = copies_of(tmp_path, nothing, LATER, LATER)
    (tmp_path / copy.path).unlink()
    assert remove_copies(tmp_path, (aged,), nothing) == ()


def test_a_folder_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    copy = put(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert copies_of(tmp_path / "link", nothing, LATER, LATER) == ()
    (planned,) = copies_of(tmp_path / "real", nothing, LATER, LATER)
    with pytest.raises(StorageError) as caught:
        remove_copies(tmp_path / "link", (planned,), nothing)
    assert caught.value.code == "E-PRUNE-COPIES"
    assert (tmp_path / "real" / copy.path).exists()


def test_runs_are_not_read_where_there_is_nothing_to_decide(tmp_path: Path) -> None:
    def never() -> Container[bytes]:
        raise AssertionError("the runs were read")

    assert copies_of(tmp_path / "none", never, LATER, None) == ()
    assert copies_of(tmp_path, never, LATER, None) == ()
    put(tmp_path)
    aged = copies_of(tmp_path, never, 0.0, LATER)
    assert remove_copies(tmp_path, aged, never) == aged


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    copy = PrunedCopy("x.txt", b"", 1, 1, aged=True)
    with pytest.raises(StorageError):
        remove_copies(tmp_path / "gone", (copy,), nothing)
