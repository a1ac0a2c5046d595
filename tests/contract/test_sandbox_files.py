"""What programs do with files, on every way to confine them."""

from __future__ import annotations

from pathlib import Path

from agentcli.sandbox.processes.launching import Backend
from agentcli.sandbox.processes.running import run_confined
from tests.contract.test_sandbox import backend, python, workspace

__all__ = ["backend", "workspace"]


async def test_a_file_is_moved_and_linked_from_folder_to_folder(backend: Backend, workspace: Path) -> None:
    code = (
        "import os; os.mkdir('other'); open('folder/a', 'w').close(); "
        "os.rename('folder/a', 'other/b'); os.link('other/b', 'folder/c')"
    )
    finished = await run_confined(backend, python(code, workspace))
    assert (finished.exit_code, finished.stderr) == (0, b"")
    assert (workspace / "other/b").samefile(workspace / "folder/c")
