from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.errors import ToolRefusedError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.visibility import Visibility

HIDDEN = [
    ".env",
    ".env.local",
    ".envrc",
    "sub/.env",
    ".env/below",
    ".agentcli",
    ".agentcli/journal.db",
    "a/.agentcli/b/c",
    ".agentcli.tmp-0123",
    ".ENV",
    ".Env.Local",
    ".AgentCLI/journal.db",
    ".agentcli./journal.db",
    ".agentcli /journal.db",
    ".env.",
    "\uff0eenv",
    ".e\u200dnv",
    ".agent\u200bcli/x",
]


@pytest.mark.parametrize("path", HIDDEN)
def test_secrets_and_agentclis_own_files_are_hidden(path: str) -> None:
    assert Visibility(Path("/ws")).hides(tuple(path.split("/")))


@pytest.mark.parametrize("path", ["env", "a.env", "agentcli.yaml", ".environs/x".replace(".env", ".nv"), "agentcli/x"])
def test_other_files_are_not(path: str) -> None:
    assert not Visibility(Path("/ws")).hides(tuple(path.split("/")))


@pytest.mark.parametrize("path", [".git/hooks/x", ".GIT/config", "sub/.git", ".git./x", ".g\u200cit/x"])
def test_git_is_protected_and_not_hidden(path: str) -> None:
    names = tuple(path.split("/"))
    assert Visibility(Path("/ws")).protects(names)
    assert not Visibility(Path("/ws")).hides(names)


@pytest.mark.parametrize("path", [".gitignore", "git/x", ".github/x"])
def test_what_only_sounds_like_git_is_not_protected(path: str) -> None:
    assert not Visibility(Path("/ws")).protects(tuple(path.split("/")))


def test_further_patterns_hide_names_anywhere_and_paths_from_the_workspace() -> None:
    visibility = Visibility(Path("/ws"), hidden=["*.pem", "private/*.txt", "vault/"])
    assert visibility.hides(("a", "b", "KEY.pem"))
    assert visibility.hides(("private", "a.txt"))
    assert visibility.hides(("vault", "x", "y"))
    assert not visibility.hides(("other", "private", "a.txt"))


def test_private_folders_are_hidden_where_they_lie_inside() -> None:
    visibility = Visibility(
        Path("/home/me"), private=[Path("/home/me/.config/agentcli"), Path("/home/me"), Path("/var/x")]
    )
    assert visibility.hides((".config", "agentcli", "config.yaml"))
    assert visibility.hides((".Config", "AgentCLI"))
    assert not visibility.hides((".config", "other"))
    assert not visibility.hides(("var", "x"))


@pytest.mark.parametrize("path", HIDDEN)
def test_tools_can_do_nothing_with_what_is_hidden(workspace: Workspace, path: str) -> None:
    for call in (
        lambda: workspace.check(path),
        lambda: workspace.read_bytes(path),
        lambda: workspace.write_atomic(path, b"x"),
        lambda: workspace.delete(path),
    ):
        with pytest.raises(ToolRefusedError) as caught:
            call()
        assert caught.value.code == "E-PATH-HIDDEN"


def test_git_may_be_read_and_not_changed(workspace: Workspace, root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref")
    assert workspace.read_bytes(".git/HEAD") == b"ref"
    for call in (
        lambda: workspace.check(".git/HEAD", write=True),
        lambda: workspace.write_atomic(".git/HEAD", b"x"),
        lambda: workspace.delete(".git/HEAD"),
    ):
        with pytest.raises(ToolRefusedError) as caught:
            call()
        assert caught.value.code == "E-PATH-PROTECTED"
    assert (root / ".git" / "HEAD").read_text() == "ref"
