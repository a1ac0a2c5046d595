"""What a run loads: what it needs, and nothing for what it does not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import scripted_project
from tests.fakes.scripted_project import called

NEVER = (
    # libraries
    *("httpx", "httpcore", "anyio", "rich", "jinja2", "jsonschema", "markdown_it", "watchdog", "llama_cpp"),
    *("charset_normalizer", "tenacity", "genai_prices", "html_to_markdown", "idna"),
    # programs and the web
    *("agentcli.sandbox.processes", "agentcli.core.processes", "agentcli.sandbox.network", "agentcli.sandbox.missing"),
    # people's own tools
    *("agentcli.definitions.tool_files", "agentcli.definitions.docstrings", "agentcli.definitions.static_types"),
    *("agentcli.core.declaring", "agentcli.tools.own", "agentcli.tools.worker", "agentcli.tools.packages"),
    # what nobody asked for
    *("agentcli.journal.personal_forms", "agentcli.journal.personal_checks", "agentcli.core.workflows"),
    *("agentcli.dev", "agentcli.testing", "agentcli.workbench.replan", "agentcli.workbench.exports"),
)
FOR_RESULTS = {"agentcli.engine.tripwire", "re2"}
"""What looks through the results of tools."""

PROGRAM = (
    "import sys\nfrom agentcli.__main__ import main\ncode = main()\n"
    "print(*sys.modules, file=sys.stderr)\nraise SystemExit(code)"
)


def loaded_by(folder: Path, replies: list[Any]) -> set[str]:
    """The modules that are loaded after a run with one tool, and the packages that they are in."""
    environ = scripted_project.project(folder, replies, ["read_lines"])
    for name in [name for name in environ if name.startswith("COV_CORE")]:
        del environ[name]
    (folder / "notes.txt").write_text("some words\n")
    words = [sys.executable, "-c", PROGRAM, "--quiet", "run", "Look."]
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    names = done.stderr.split()
    return {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}


@pytest.mark.parametrize("replies", [["done"], [called("read_lines", path="notes.txt"), "done"]], ids=["turn", "call"])
def test_a_run_loads_nothing_for_what_it_does_not_do(tmp_path: Path, replies: list[Any]) -> None:
    loaded = loaded_by(tmp_path / "project", replies)
    assert "agentcli.engine.agent_loop" in loaded
    assert sorted(loaded & {*NEVER}) == []


def test_what_looks_through_results_is_loaded_by_the_first_one(tmp_path: Path) -> None:
    assert loaded_by(tmp_path / "quiet", ["done"]) & FOR_RESULTS == set()
    replies = [called("read_lines", path="notes.txt"), "done"]
    assert loaded_by(tmp_path / "calling", replies) & FOR_RESULTS == FOR_RESULTS


def test_each_name_that_is_never_loaded_is_one() -> None:
    """A module that was renamed would be looked for in vain."""
    from importlib.util import find_spec

    assert [name for name in NEVER if name.startswith("agentcli") and find_spec(name) is None] == []
