"""A project with a custom agent, and what tests of the command line look at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: triage
description: Sorts letters.
instructions: Be brief.
inputs: {place: {type: string, default: notes.txt}}
tools: [read_lines, create_file]
limits: {turns: 4, tool_seconds: 10}
code: |
  def run(agent, task):
      notes = agent.tool("read_lines", path=agent.inputs["place"])
      kind = agent.ask(f"Which kind is {task}? {notes}")
      agent.say(f"of the kind {kind}")
      agent.tool("create_file", path="seen.txt", content=kind)
      answer = agent.ask("Answer it.", tools=[])
      open("answer.txt", "w").write(answer)
      return {"kind": kind, "answer": answer}
"""
ALLOWED = ("--allow", "create_file", "--allow", "keep_files")
OUTPUT = '{\n  "answer": "Dear customer",\n  "kind": "bill"\n}\n'


@pytest.fixture
def project(cli: Cli, isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\n")
    (isolated / "agents").mkdir()
    write(isolated, AGENT)
    (isolated / "s.yaml").write_text(
        "replies: [{text: Dear customer, contains: Answer it, repeat: true}, {text: bill, repeat: true}]\n"
    )
    (isolated / "notes.txt").write_text("hello\n")
    assert cli("trust").code == 0
    return isolated


def write(project: Path, text: str) -> None:
    (project / "agents" / "triage.yaml").write_text(text)


def usual(text: str) -> str:
    """Without what is another one each time."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-z]{6}", "RUN", text)
    return re.sub(r"\b[\d.]+ (s|ms)\b", "TIME", text)


def events(cli: Cli, run: str = "last") -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


def seq_of(found: list[dict[str, Any]], kind: str, **fields: Any) -> int:
    named = fields.items()
    return next(int(one["seq"]) for one in found if one["type"] == kind and named <= one.items())
