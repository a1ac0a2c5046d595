"""The permissions of files in a fork: those on record, if the record is our own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.workbench.export_run import ExportRequest, export_run, write_export
from agentcli.workbench.fork_files import files_to_restore, make_workspace, workspace_folder
from agentcli.workbench.import_run import import_run
from agentcli.workbench.recorded_run import read_run
from agentcli.workbench.wiring import Workbench
from tests.unit.workbench.conftest import AGENT, Project


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


@pytest.fixture
async def run(project: Project) -> str:
    """A run that replaces one program and deletes another."""
    for name in ("tool.sh", "old.sh"):
        (project.root / name).write_text("exit 1\n")
        (project.root / name).chmod(0o755)
    project.agent(text=AGENT.replace("create_file]", "create_file, delete_file]"))
    project.script(
        call("create_file", path="tool.sh", content="exit 2\n", overwrite=True),
        call("delete_file", path="old.sh"),
        call("create_file", path="old.sh", content="exit 1\n"),
        "done",
    )
    return (await project.run(yes=True, trust=True)).run


def are_programs(bench: Workbench, ref: str, number: int = 1) -> list[bool]:
    """Whether the two are programs in a workspace as it was before the first call."""
    run = read_run(bench, ref)
    made = make_workspace(
        bench,
        bench.workspace,
        workspace_folder(bench, f"fork-{number}"),
        files_to_restore(bench, run.row, run.events, 1),
    )
    assert (made.target / "tool.sh").read_text() == (made.target / "old.sh").read_text() == "exit 1\n"
    return [os.access(made.target / name, os.X_OK) for name in ("tool.sh", "old.sh")]


async def test_a_program_that_was_replaced_or_deleted_is_one_in_a_fork(project: Project, run: str) -> None:
    (project.root / "tool.sh").unlink()
    with project.bench(trust=True) as bench:
        assert are_programs(bench, run) == [True, True]


async def test_what_came_from_elsewhere_makes_no_file_a_program(project: Project, run: str, tmp_path: Path) -> None:
    with project.bench(trust=True) as bench:
        file = write_export(export_run(bench, ExportRequest(run)), tmp_path / "run.agentcli").file
    (project.root / "tool.sh").unlink()
    with project.bench(trust=True).with_journal(project.root / "other") as bench:
        import_run(bench, file)
        assert are_programs(bench, run) == [False, False]
        imported = read_run(bench, run)
        start = replace(imported.row.start, id=f"{run}-fork", parent=run, relation="fork", cut=3)
        events = [replace(event, run=start.id) for event in imported.events]
        bench.journal.import_run(start, events, imported.row.end)
        assert are_programs(bench, start.id, 2) == [False, False]


async def test_nor_what_comes_from_a_run_that_is_gone_or_comes_from_itself(project: Project, run: str) -> None:
    (project.root / "tool.sh").unlink()
    with project.bench(trust=True) as bench:
        recorded = read_run(bench, run)
        for number, (name, parent) in enumerate({"orphan": "gone", "itself": "itself"}.items(), 1):
            start = replace(recorded.row.start, id=name, parent=parent, relation="fork", cut=3)
            bench.journal.import_run(start, [replace(event, run=name) for event in recorded.events], None)
            assert are_programs(bench, name, number) == [False, False]


async def test_nor_the_journal_of_a_project_that_nobody_trusts(project: Project, run: str) -> None:
    (project.root / "tool.sh").unlink()
    with project.bench() as bench:
        assert are_programs(bench, run) == [False, False]
