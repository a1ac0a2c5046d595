"""What is covered where a program works in the workspace itself."""

from __future__ import annotations

from pathlib import Path

from agentcli.sandbox.copying import Cap
from agentcli.sandbox.covering import covered
from agentcli.sandbox.paths import Workspace


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_everything_hidden_and_protected_is_found_wherever_it_stands(workspace: Workspace, root: Path) -> None:
    fill(
        root, ".env", "sub/.env.local", ".agentcli/journal.db", ".git/config", "agentcli.yaml", "sub/agentcli.yml", "a"
    )
    fill(root, "node_modules/x/y", "__pycache__/z")
    found = workspace.covered()
    assert set(found.hidden) == {root / ".env", root / "sub/.env.local", root / ".agentcli"}
    assert set(found.protected) == {root / ".git", root / "agentcli.yaml", root / "sub/agentcli.yml"}
    assert found.cut == ""


def test_a_walk_that_ends_early_says_so(workspace: Workspace, root: Path) -> None:
    fill(root, "a", "b", "c")
    assert covered(workspace._view, root, Cap(files=2)).cut == "It has more than 2 files."
