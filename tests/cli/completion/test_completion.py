"""`agentcli completion`, and what the shells ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_gets_its_script(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert "_AGENTCLI_COMPLETE" in result.out


def test_another_shell_is_a_mistake(cli: Cli) -> None:
    assert cli("completion", "tcsh").code == 2


def complete(line: str, cwd: Path) -> list[str]:
    """What bash would be offered for a line whose last word is being typed."""
    words = line.split(" ")
    environ = {
        **os.environ,
        "_AGENTCLI_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "agentcli"], env=environ, cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("agentcli ru", ["run", "runs"]),
        ("agentcli runs s", ["show", "stats"]),
        ("agentcli runs list --st", ["--status"]),
        ("agentcli run rea", ["reader"]),
        ("agentcli tools show cr", ["create_file"]),
        ("agentcli workflow sh", ["show"]),
        ("agentcli workflow show o", ["one"]),
        ("agentcli workflow check tw", ["two"]),
        ("agentcli tools call mo", ["move_file"]),
        ("agentcli tools call move_file ", ["from=", "overwrite=", "to="]),
        ("agentcli tools call move_file from=a t", ["to="]),
        ("agentcli tools call nothing ", []),
        ("agentcli runs show la", ["last"]),
        ("agentcli models pull c", ["coder-1.5b", "coder-0.5b"]),
        ("agentcli run -m local:coder-1", ["local:coder-1.5b"]),
        ("agentcli xyz", []),
    ],
)
def test_names_are_completed(isolated: Path, line: str, offered: list[str]) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "workflows").mkdir()
    for name in ("one", "two"):
        (isolated / "workflows" / f"{name}.yaml").write_text("broken: true\n")
    assert complete(line, isolated) == offered


def test_broken_settings_complete_nothing_and_say_nothing(isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("nonsense: 1\n")
    assert complete("agentcli run rea", isolated) == []


def test_the_arguments_of_an_own_tool_are_completed_without_running_it(isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    for name, text in {
        "agents/a.yaml": "version: 1\nkind: agent\nname: a\ninstructions: Hi.\ntools: [{python: tools/own.py}]\n",
        "tools/own.py": "from agentcli import tool\nopen('ran', 'w')\n@tool\ndef stamp(day: str) -> str: ...\n",
    }.items():
        (isolated / name).parent.mkdir()
        (isolated / name).write_text(text)
    assert complete("agentcli tools call st", isolated) == ["stamp"]
    assert complete("agentcli tools call stamp ", isolated) == ["day="]
    assert not (isolated / "ran").exists()
