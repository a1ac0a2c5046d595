"""Scaffolding a project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.cli.approver import Nobody
from agentcli.config.load import load_settings
from agentcli.config.places import Places
from agentcli.config.trust import is_trusted
from agentcli.errors import DefinitionError, StorageError, UsageError
from agentcli.workbench.init_project import DEFAULT_TEMPLATE, init_project, list_project_templates
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench
from tests.fakes.engine import Seen

NAMES = [template.name for template in list_project_templates()]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "config", tmp_path / "data", tmp_path / "cache")


def test_the_default_template_is_listed_first_and_all_are_described() -> None:
    assert NAMES == [DEFAULT_TEMPLATE, "minimal", "workflow"]
    assert all(template.description for template in list_project_templates())


@pytest.mark.parametrize("template", NAMES)
def test_every_template_makes_a_project_that_loads(tmp_path: Path, places: Places, template: str) -> None:
    root = tmp_path / "my shop"
    result = init_project(root, template, False, places)
    assert (result.root, result.name, result.template) == (root, "my-shop", template)
    assert {path.as_posix() for path in result.files} >= {
        "agentcli.yaml",
        "README.md",
        ".gitignore",
        ".env.example",
    }
    assert all((root / path).is_file() for path in result.files)
    assert is_trusted(places, root)
    loaded = load_settings(places, root, {}, trusted=True)
    assert (loaded.settings.name, loaded.warnings) == ("my-shop", ())
    assert loaded.settings.agent in result.agents
    assert Catalog([Root(root, "project")]).agent_listing().broken == ()
    text = "".join(path.read_text() for path in root.rglob("*") if path.is_file())
    assert "@PROJECT@" not in text


def test_the_default_project_has_everything_that_the_contract_names(tmp_path: Path, places: Places) -> None:
    result = init_project(tmp_path / "p", DEFAULT_TEMPLATE, False, places)
    assert {path.parts[0] for path in result.files} == {
        "agentcli.yaml",
        "agents",
        "workflows",
        "tools",
        "docs",
        ".env.example",
        ".gitignore",
        "README.md",
    }
    assert (result.agents, result.workflows) == (
        ("analyst", "parcels", "support", "triage", "writer"),
        ("answer-and-check",),
    )


@pytest.mark.parametrize("template", NAMES)
def test_the_schema_that_each_file_names_is_there(tmp_path: Path, places: Places, template: str) -> None:
    result = init_project(tmp_path / "p", template, False, places)
    named = 0
    for path in result.files:
        first = (result.root / path).read_text().split("\n")[0]
        if first.startswith("# yaml-language-server: $schema="):
            named += 1
            assert ((result.root / path).parent / first.split("=", 1)[1]).is_file(), path
    assert named == sum(path.suffix == ".yaml" for path in result.files)


def test_the_python_function_of_the_project_works(tmp_path: Path, places: Places) -> None:
    result = init_project(tmp_path / "p", "full", False, places)
    code = "from datetime import date; from delivery import delivery_date as d; "
    code += "print(d(date(2026, 11, 20)), d(date(2026, 11, 20), 'express'))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=result.root / "tools", capture_output=True, text=True, check=True
    )
    assert done.stdout == "2026-11-27 2026-11-24\n"


async def test_the_agent_of_the_project_calls_its_python_function(tmp_path: Path, places: Places) -> None:
    root = init_project(tmp_path / "p", "full", False, places).root
    call = {"name": "delivery_date", "arguments": {"ordered": "2026-11-20", "service": "express"}}
    (root / "replies.yaml").write_text(json.dumps({"replies": [{"tool_calls": [call]}, "On the 24th."]}))
    seen = Seen()
    options = Options(cwd=root, environ=dict(os.environ), model=["scripted:replies.yaml"], trust=True)
    with open_workbench(options) as bench:
        outcome = await run_agent(bench, RunRequest("When?", "parcels"), approver=Nobody(), sinks=[seen])
    assert (outcome.status, seen.of("tool.completed")[0].result) == ("completed", "2026-11-24")


@pytest.mark.parametrize("name", ["123", "true", "null", "1.5", "ä ö", "x: y #z", "...", "-"])
def test_any_folder_name_gives_a_project_that_loads(tmp_path: Path, places: Places, name: str) -> None:
    result = init_project(tmp_path / "in" / name / "x" / "..", "minimal", False, places)
    assert load_settings(places, result.root, {}).settings.name == result.name


def test_what_to_type_next_begins_where_the_user_is(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert init_project(Path("a b"), "full", False, places).next_steps == (
        "cd 'a b'",
        'agentcli run "According to docs/refunds.md, how many days is the refund period?"',
        "agentcli runs show last",
    )
    monkeypatch.chdir(tmp_path / "a b")
    assert init_project(Path(), "full", False, places).next_steps[0].startswith("agentcli run")


def test_a_second_time_changes_nothing(tmp_path: Path, places: Places) -> None:
    first = init_project(tmp_path / "p", "full", False, places)
    assert init_project(tmp_path / "p", "full", False, places) == first


def test_files_of_the_users_are_never_overwritten_silently(tmp_path: Path, places: Places) -> None:
    root = tmp_path / "p"
    root.mkdir()
    (root / "README.md").write_text("mine")
    (root / "notes.txt").write_text("mine too")
    with pytest.raises(UsageError) as caught:
        init_project(root, "minimal", False, places)
    assert (caught.value.code, caught.value.info.why) == ("E-INIT-CONFLICT", "These are there: README.md.")
    assert sorted(path.name for path in root.iterdir()) == ["README.md", "notes.txt"]
    assert not is_trusted(places, root)
    init_project(root, "minimal", True, places)
    assert (root / "README.md").read_text() != "mine"
    assert (root / "notes.txt").read_text() == "mine too"


def test_a_folder_in_the_place_of_a_file_is_not_forced(tmp_path: Path, places: Places) -> None:
    (tmp_path / "p" / "README.md").mkdir(parents=True)
    with pytest.raises(UsageError) as caught:
        init_project(tmp_path / "p", "minimal", True, places)
    assert caught.value.info.fix == "Move them away."


@pytest.mark.parametrize("link", ["agents", "README.md", ".agentcli"])
def test_nothing_is_written_through_a_link(tmp_path: Path, places: Places, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / link).symlink_to(outside if link != "README.md" else outside / "new.md")
    with pytest.raises(UsageError) as caught:
        init_project(tmp_path / "p", "minimal", True, places)
    assert caught.value.code == "E-INIT-TARGET"
    assert list(outside.iterdir()) == []


def test_a_file_is_no_target(tmp_path: Path, places: Places) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        init_project(tmp_path / "file", "minimal", False, places)
    assert caught.value.code == "E-INIT-TARGET"


@pytest.mark.parametrize("name", ["miniml", "../projects/minimal", "", "."])
def test_an_unknown_template_is_a_usage_error(tmp_path: Path, places: Places, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        init_project(tmp_path / "p", name, False, places)
    assert caught.value.code == "E-INIT-TEMPLATE"
    assert not (tmp_path / "p").exists()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path, places: Places) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        init_project(tmp_path / "file" / "p", "minimal", False, places)
    assert caught.value.code == "E-INIT-STORAGE"
    assert not is_trusted(places, tmp_path / "file" / "p")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from agentcli.config.places import Places
from agentcli.errors import StorageError
from agentcli.workbench.init_project import init_project
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
base = Path(sys.argv[1])
try:
    init_project(base / "p", "minimal", False, Places(base / "c", base / "d", base / "k"))
except StorageError as error:
    print(error.code)
"""


def test_a_disk_that_fills_leaves_no_half_file(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True, env=environ
    )
    assert done.stdout == "E-INIT-STORAGE\n"
    assert all(path.stat().st_size for path in (tmp_path / "p").rglob("*") if path.is_file())
    assert not list((tmp_path / "p").rglob(".README*"))


def test_a_broken_template_among_the_projects_own_is_told(tmp_path: Path, places: Places) -> None:
    (tmp_path / "p" / "agents").mkdir(parents=True)
    (tmp_path / "p" / "agents" / "own.yaml").write_text("name: own\n")
    with pytest.raises(DefinitionError) as caught:
        init_project(tmp_path / "p", "minimal", False, places)
    assert (caught.value.code, Path(caught.value.info.file or "").name) == ("E-TEMPLATE-MISSING-KEY", "own.yaml")
