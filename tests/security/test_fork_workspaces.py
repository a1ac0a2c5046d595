"""A fork of a record that came from elsewhere reads, writes and deletes nothing outside its own folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.events import Event, read_body
from agentcli.errors import StorageError, ToolError, UsageError
from agentcli.sandbox.paths import Workspace
from agentcli.workbench.files_at_cut import FilesAtCut
from agentcli.workbench.fork_files import make_workspace, open_workspace, workspace_folder
from agentcli.workbench.wiring import Options, Workbench, open_workbench
from tests.fakes.recorded import start

FORK = "20261121-081532-k7f3qz"
PLANTED = b"planted"
SNAPSHOT = digest_bytes(PLANTED)
OUTSIDE = b"OUTSIDE"


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    """A workbench on a project beside a secret; its journal holds one content."""
    (isolated.parent / "secret.txt").write_bytes(OUTSIDE)
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "a.txt").write_text("hello")
    with open_workbench(Options(cwd=isolated, environ=dict(os.environ))) as made:
        asyncio.run(keep(made))
        yield made


async def keep(bench: Workbench) -> None:
    log = bench.journal.begin(start())
    log.put(PLANTED)
    await log.barrier()
    await log.abandon()


def changing(path: str, digest: Digest | None = SNAPSHOT) -> FilesAtCut:
    return FilesAtCut({path: digest}, {}, {})


def everything(folder: Path, *, but: Path) -> dict[str, bytes | str]:
    """Every file and link below a folder."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file() and not path.is_relative_to(but):
            found[str(path)] = path.read_bytes()
    return found


HOSTILE = [
    "../escaped.txt",
    "a/../../escaped.txt",
    "/tmp/escaped.txt",
    "//etc/escaped",
    "..",
    ".",
    "",
    "a/",
    "a/..",
    ".env",
    "sub/.env.local",
    ".ENV",
    ".agentcli/journal.db",
    "sub/.agentcli/x",
    ".AgentCLI/x",
    ".agentcli.tmp-0/x",
    ".git/hooks/post-checkout",
    "sub/.git/config",
    "agentcli.yaml",
    "AGENTCLI.YML",
    "a\x00b",
    "a\nb",
    "\ud800",
    "x" * 300,
    "a/" * 3000 + "x",
]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("digest", [SNAPSHOT, None], ids=["written", "deleted"])
def test_a_path_that_no_tool_could_change_is_refused(bench: Workbench, path: str, digest: Digest | None) -> None:
    assert bench.redactor, "its key is made when it is first asked for"
    root, workspaces = bench.workspace.parent, bench.journal_folder / "workspaces"
    before = everything(root, but=bench.journal_folder)
    with pytest.raises(StorageError) as caught:
        make_workspace(bench, bench.workspace, workspace_folder(bench, FORK), changing(path, digest))
    assert caught.value.code == "E-FORK-FILES-PLACE"
    assert everything(root, but=bench.journal_folder) == before
    assert list(workspaces.iterdir()) == []
    assert caught.value.info.what.isprintable()


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", ".env", ".agentcli/journal.db"])
def test_a_path_that_no_tool_could_read_is_refused(bench: Workbench, path: str) -> None:
    for files in (FilesAtCut({}, {path: "f" * 64}, {}), FilesAtCut({}, {}, {path: "f" * 64})):
        with pytest.raises(StorageError) as caught:
            make_workspace(bench, bench.workspace, workspace_folder(bench, FORK), files, drift="accept")
        assert caught.value.code == "E-FORK-FILES-PLACE"


def test_links_in_the_parents_workspace_lead_no_write_outside(bench: Workbench) -> None:
    work = bench.workspace
    (work / "up").symlink_to("..")
    (work / "there").symlink_to(work.parent)
    (work / "inner").mkdir()
    (work / "inside").symlink_to("inner")
    for path in ("up/secret.txt", "there/secret.txt", "inside/x.txt"):
        made = make_workspace(bench, work, workspace_folder(bench, f"fork-{path[:2]}"), changing(path))
        assert (made.target / path).read_bytes() == PLANTED
        assert not (made.target / path).parent.is_symlink()
        assert (made.target / path).resolve().is_relative_to(made.target)
    assert (work.parent / "secret.txt").read_bytes() == OUTSIDE
    assert list((work / "inner").iterdir()) == []


def test_secrets_and_own_records_are_not_in_the_copy(bench: Workbench) -> None:
    (bench.workspace / ".env").write_text("KEY=secret")
    made = make_workspace(bench, bench.workspace, workspace_folder(bench, FORK), FilesAtCut({}, {}, {}))
    assert sorted(path.name for path in made.target.rglob("*")) == ["a.txt", "agentcli.yaml"]


def test_no_other_folder_is_copied_because_it_is_named(bench: Workbench) -> None:
    other = bench.workspace.parent / "other"
    other.mkdir()
    (other / "id_rsa").write_bytes(OUTSIDE)
    linked = bench.journal_folder / "workspaces" / "linked"
    linked.parent.mkdir()
    linked.symlink_to(other)
    for source in (other, bench.workspace.parent, Path("/"), bench.places.data, bench.journal_folder, linked):
        source.mkdir(parents=True, exist_ok=True)
        with pytest.raises(ValueError, match="not a workspace"):
            make_workspace(bench, source, workspace_folder(bench, FORK), FilesAtCut({}, {}, {}))
        assert [path.name for path in linked.parent.iterdir()] == ["linked"]


def test_a_folder_of_workspaces_that_is_a_link_is_refused(bench: Workbench) -> None:
    elsewhere = bench.workspace.parent / "elsewhere"
    elsewhere.mkdir()
    (bench.journal_folder / "workspaces").symlink_to(elsewhere)
    with pytest.raises(StorageError) as caught:
        make_workspace(bench, bench.workspace, workspace_folder(bench, FORK), FilesAtCut({}, {}, {}))
    assert (caught.value.code, list(elsewhere.iterdir())) == ("E-JOURNAL-LINK", [])


def private_folders(bench: Workbench) -> list[Path]:
    """Folders of agentcli's own that come close to a fork's workspace, and are none."""
    state = bench.journal_folder
    copies = state / "workspaces"
    fork = copies / FORK
    linked, outside = copies / "linked", bench.workspace.parent / "outside"
    for folder in (fork / "sub", state / "blobs", state / "locks", outside, copies / ".hidden"):
        folder.mkdir(parents=True, exist_ok=True)
    linked.symlink_to(outside)
    (copies / "inward").symlink_to(state / "blobs")
    found = [state, copies, fork / "sub", state / "blobs", state / "locks", linked, copies / "inward"]
    return [*found, copies / "..", copies / FORK / "..", copies / FORK / ".." / "..", copies / "." / ".." / "blobs"]


def test_no_folder_but_a_forks_own_is_a_workspace(bench: Workbench) -> None:
    for folder in private_folders(bench):
        with pytest.raises(UsageError) as caught:
            open_workspace(bench, folder)
        assert caught.value.code == "E-WORKSPACE", folder
    for folder in (bench.workspace, bench.workspace.parent, Path("/"), bench.places.config):
        with pytest.raises(UsageError):
            open_workspace(bench, folder)


def test_a_forks_own_folder_is_no_workspace_for_anyone_else(bench: Workbench) -> None:
    """`--workspace .agentcli/workspaces/…` stays refused, and so do all folders beside it."""
    (workspace_folder(bench, FORK)).mkdir(parents=True)
    for folder in (workspace_folder(bench, FORK), *private_folders(bench)):
        if folder.resolve().is_relative_to(bench.journal_folder.resolve()):
            with pytest.raises(UsageError):
                Workspace(folder, private=bench.places.private)


def test_a_folder_of_workspaces_reached_through_a_link_is_none(bench: Workbench, tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / FORK).mkdir(parents=True)
    (tmp_path / "workspaces").symlink_to(real)
    with pytest.raises(UsageError):
        Workspace(tmp_path / "workspaces" / FORK, copies=tmp_path / "workspaces")
    assert Workspace(real / FORK, copies=real).root == real / FORK


@pytest.mark.parametrize("path", ["../../journal.db", "../other/x", ".agentcli/x", "up/journal.db"])
def test_the_tools_of_a_fork_do_not_get_out_of_its_folder(bench: Workbench, path: str) -> None:
    made = make_workspace(bench, bench.workspace, workspace_folder(bench, FORK), FilesAtCut({}, {}, {}))
    (made.target / "up").symlink_to("../..")
    view = open_workspace(bench, made.target)
    with pytest.raises(ToolError):
        view.read_bytes(path)
    with pytest.raises(ToolError):
        view.write_atomic(path, PLANTED)
    view.close()


def test_outside_a_project_forks_have_their_place_among_the_users_records(isolated: Path) -> None:
    with open_workbench(Options(cwd=isolated, environ=dict(os.environ))) as bench:
        asyncio.run(keep(bench))
        (isolated / "a.txt").write_text("hello")
        made = make_workspace(bench, isolated, workspace_folder(bench, FORK), changing("b.txt"))
        assert made.target.is_relative_to(bench.places.data)
        view = open_workspace(bench, made.target)
        assert view.read_bytes("b.txt") == PLANTED
        view.close()
        for folder in (made.target.parent, bench.places.data, bench.places.journal):
            with pytest.raises(UsageError):
                open_workspace(bench, folder)


def test_a_workspace_around_the_records_does_not_show_its_forks(isolated: Path) -> None:
    with open_workbench(Options(cwd=isolated, environ=dict(os.environ), workspace=isolated.parent)) as bench:
        asyncio.run(keep(bench))
        first = make_workspace(bench, isolated.parent, workspace_folder(bench, FORK), changing("b.txt"))
        second = make_workspace(bench, isolated.parent, workspace_folder(bench, "second"), changing("c.txt"))
        for made in (first, second):
            assert not list(made.target.rglob("journal.db"))
            assert not list(made.target.rglob("redaction.key"))
        with pytest.raises(ToolError):
            bench.workspace_view.read_bytes(str(first.target.relative_to(isolated.parent) / "b.txt"))


@pytest.mark.parametrize(
    "touch",
    [
        {"path": 5, "before": None, "after": None, "changed": True},
        {"path": None, "before": None, "after": None, "changed": True},
        {"path": "a", "before": "../x", "after": None, "changed": True},
        {"path": "a", "before": None, "after": "F" * 64, "changed": True},
        {"path": "a", "before": None, "after": 7, "changed": True},
        {"path": "a"},
        [],
    ],
)
def test_what_a_record_says_of_a_file_must_be_a_path_and_digests(touch: object) -> None:
    fields = {"tool": "t", "call_id": "c", "status": "ok", "result": "", "data": None, "duration_s": 0.0}
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Event("r", 1, 0.0, 0.0, read_body("tool.completed", {**fields, "files": [touch]}))
