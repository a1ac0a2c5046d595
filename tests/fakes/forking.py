"""A workbench whose journal holds some contents, and forks of what happened in its workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.errors import StorageError, UsageError
from agentcli.workbench.files_at_cut import FilesAtCut
from agentcli.workbench.fork_files import Restored, make_workspace, workspace_folder
from agentcli.workbench.wiring import Workbench
from tests.fakes.recorded import start
from tests.unit.workbench.conftest import Project

CONTENTS = (b"", b"one", b"two", b"three\n" * 1000)
FORK = "20261121-081532-k7f3qz"
SECRET = "pk-live-51H8xY2eZvKYlo2C"


@pytest.fixture
def work(isolated: Path) -> Path:
    """The parent's workspace: a folder beside a project's settings, with nothing in it."""
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    folder = isolated / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def bench(work: Path) -> Iterator[Workbench]:
    """A workbench on it whose journal holds some contents."""
    project = Project(work.parent)
    with project.bench({"PAYMENT_API_KEY": SECRET}, workspace=work) as made:
        asyncio.run(keep(made, *CONTENTS))
        yield made


async def keep(bench: Workbench, *contents: bytes) -> None:
    log = bench.journal.begin(start())
    for content in contents:
        log.put(content)
    await log.barrier()
    await log.abandon()


def fill(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def at(
    changed: dict[str, Digest | None] | None = None,
    read: dict[str, Digest | None] | None = None,
    masked: dict[str, Digest] | None = None,
    modes: dict[str, int] | None = None,
) -> FilesAtCut:
    return FilesAtCut(changed or {}, read or {}, masked or {}, modes or {})


def fork(bench: Workbench, files: FilesAtCut, **more: Any) -> Restored:
    return make_workspace(
        bench, more.pop("source", None) or bench.workspace, workspace_folder(bench, FORK), files, **more
    )


def refused(bench: Workbench, files: FilesAtCut, **more: Any) -> str:
    """The code of the error; nothing stays behind."""
    with pytest.raises((UsageError, StorageError)) as caught:
        fork(bench, files, **more)
    folder = bench.journal_folder / "workspaces"
    assert not folder.exists() or list(folder.iterdir()) == []
    assert caught.value.info.why
    return caught.value.code


def d(content: bytes) -> Digest:
    return digest_bytes(content)
