"""What the documents show works: shell blocks run from top to bottom, YAML blocks are valid, transcripts are true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.cli.tree import ROOT as COMMANDS
from agentcli.tools.registry import BUILT_IN, parameters_of

ROOT = Path(__file__).parents[2]
KNOWN = Known(frozenset(BUILT_IN), parameters=parameters_of)
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"^```(?P<language>\w+(?: checked)?)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(document: Path, language: str) -> Iterator[str]:
    """A block's language is `console checked` where it is a transcript: commands and what they print."""
    for match in _BLOCK.finditer(document.read_text()):
        if match["language"] == language:
            yield match["text"]


TOLD = [path for path in DOCUMENTS if any(blocks(path, "console checked"))]


def environ_in(folder: Path) -> dict[str, str]:
    """The commands' own environment, with a scripted model in place of a real one where none is named."""
    script = folder / "replies.yaml"
    script.write_text(json.dumps({"replies": [{"text": '{"answer": "30 days"}', "repeat": True}]}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "AGENTCLI_MODEL": f"scripted:{script}", "PATH": path}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_shell_block_runs_as_it_stands(document: Path, isolated: Path) -> None:
    """One after the other in one shell."""
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    environ = environ_in(isolated)
    done = subprocess.run(
        ["sh", "-eux"], input="\n".join(lines), cwd=isolated, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.model
@pytest.mark.xdist_group("model")
@pytest.mark.parametrize("document", TOLD, ids=lambda path: path.name)
def test_every_transcript_is_what_its_commands_print(document: Path, isolated: Path, own_models: Path) -> None:
    """All transcripts of a document in one shell. Ids, times and the widths of columns vary from run to run."""
    told = list(commands("".join(blocks(document, "console checked"))))
    environ = {**environ_in(isolated), "AGENTCLI_MODELS_DIR": str(own_models)}
    script = "".join(f"{command.text}\nprintf '\\036%s\\036' $?\n" for command in told)
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=isolated,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    *printed, _ = done.stdout.split("\036")
    for command, output, code in zip(told, printed[::2], printed[1::2], strict=True):
        said = f"$ {command.text}\n{output}"
        assert command.code == int(code), said
        assert re.fullmatch(command.pattern, usual(output)), said


@dataclass(frozen=True)
class Command:
    """A command of a transcript, the exit code that its comment names, and a pattern of what it prints."""

    text: str
    code: int
    pattern: str


def commands(transcript: str) -> Iterator[Command]:
    for shown in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]:
        text, _, output = shown.partition("\n")
        code = re.search(r"# .*exit code (\d+)", text)
        lines = [r"(?:.*\n)*?" if line == "…" else re.escape(f"{line}\n") for line in usual(output).splitlines()]
        yield Command(text, int(code[1]) if code else 0, "".join(lines))


def usual(output: str) -> str:
    """The output, with ids and durations alike in all runs."""
    output = re.sub(r"\b\d{8}-\d{6}-[0-9a-z]{6}\b", "RUN", output)
    output = re.sub(r"(?<=test_support_)[0-9a-z]{6}(?=\.py)", "RUN", output)
    output = re.sub(r"\b[\d.]+ (min [\d.]+ s|ms|s|min)\b", "TIME", output)
    return re.sub(r" +$", "", re.sub(r"(?<=\S) {2,}", "  ", output), flags=re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_template_in_a_document_is_valid(document: Path, isolated: Path) -> None:
    """Those of one document may name each other."""
    (isolated / "agents").mkdir()
    (isolated / "workflows").mkdir()
    agents, workflows = [], []
    for text in blocks(document, "yaml"):
        name = re.search(r"^name: ([\w-]+)", text, re.MULTILINE)
        for kind, names in (("agent", agents), ("workflow", workflows)):
            if f"kind: {kind}\n" in text and name:
                (isolated / f"{kind}s" / f"{name[1]}.yaml").write_text(text)
                names.append(name[1])
    catalog = Catalog([Root(isolated, "user")], KNOWN)
    assert [catalog.agent(name).template.name for name in agents] == agents
    assert [catalog.workflow(name).template.name for name in workflows] == workflows


def test_the_readme_shows_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert [entry.name for entry in COMMANDS.children if f"agentcli {entry.name}" not in text] == []
