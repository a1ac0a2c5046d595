"""A copy of a workspace as programs get one, and what becomes of what is done to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentcli.sandbox.copying import Cap
from agentcli.sandbox.mirror import Mirror
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.taking_over import Taken


@dataclass(frozen=True)
class Copies:
    """Of one workspace."""

    workspace: Workspace

    def take(self, **cap: int) -> Mirror:
        mirror, cut = self.workspace.mirrors.take(Cap(**cap))
        assert cut == ""
        return mirror

    def after(self, program: Callable[[], object], mirror: Mirror | None = None) -> Taken:
        """What is taken over of what `program` does, called with the copy as its folder."""
        mirror = mirror or self.take()
        here = Path.cwd()
        os.chdir(mirror.folder)
        try:
            program()
        finally:
            os.chdir(here)
        return self.workspace.mirrors.finish(mirror, self.workspace)


@pytest.fixture
def copies(workspace: Workspace) -> Iterator[Copies]:
    yield Copies(workspace)
    workspace.close()


def write(**files: str) -> None:
    """Files below the current folder; `__` in a name without a slash is one."""
    for name, text in files.items():
        path = Path(name if "/" in name else name.replace("__", "/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def seen(folder: Path) -> dict[str, str]:
    """What stands below a folder: contents, `-> TARGET` of links, `/` for folders without anything."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        elif path.is_dir() and not any(path.iterdir()):
            found[name] = "/"
    return found
