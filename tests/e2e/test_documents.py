"""What the documents show works: shell blocks run from top to bottom, YAML blocks are valid."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.cli.tree import ROOT as COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(document: Path, language: str) -> Iterator[str]:
    for match in _BLOCK.finditer(document.read_text()):
        if match["language"] == language:
            yield match["text"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_shell_block_runs_as_it_stands(document: Path, isolated: Path) -> None:
    """One after the other in one shell, with a scripted model in place of a real one."""
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    script = isolated / "replies.yaml"
    script.write_text(json.dumps({"replies": [{"text": '{"answer": "30 days"}', "repeat": True}]}))
    environ = {
        **os.environ,
        "AGENTCLI_MODEL": f"scripted:{script}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["sh", "-eux"], input="\n".join(lines), cwd=isolated, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_agent_in_a_document_is_valid(document: Path, isolated: Path) -> None:
    folder = isolated / "agents"
    folder.mkdir()
    for text in blocks(document, "yaml"):
        name = re.search(r"^name: (\w+)", text, re.MULTILINE)
        if "kind: agent" in text and name:
            (folder / f"{name[1]}.yaml").write_text(text)
            assert Catalog([Root(isolated, "user")]).agent(name[1]).template.name == name[1]


def test_the_readme_shows_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert [entry.name for entry in COMMANDS.children if f"agentcli {entry.name}" not in text] == []
