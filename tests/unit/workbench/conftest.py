"""A workbench on a project of its own, with a scripted model."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.approver import Nobody
from agentcli.engine.lifecycle import RunOutcome
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, Workbench, open_workbench
from tests.fakes.engine import Seen

AGENT = """version: 1
kind: agent
name: tester
model: scripted:replies.yaml
instructions: Be brief.
tools: [read_lines, create_file]
"""


@dataclass
class Project:
    """A folder with one agent, and the use cases on it."""

    root: Path
    seen: Seen = field(default_factory=Seen)

    def agent(self, more: str = "", text: str = AGENT) -> None:
        (self.root / "agents" / "tester.yaml").write_text(text + more)

    def script(self, *replies: Any) -> None:
        (self.root / "replies.yaml").write_text(json.dumps({"replies": list(replies)}))

    def bench(self, environ: dict[str, str] | None = None, **options: Any) -> Workbench:
        return open_workbench(Options(cwd=self.root, environ={**os.environ, **(environ or {})}, **options))

    async def run(self, task: str = "Read.", *, environ: dict[str, str] | None = None, **changes: Any) -> RunOutcome:
        options = {name: changes.pop(name) for name in ("model", "yes", "allow", "trust") if name in changes}
        with self.bench(environ, **options) as bench:
            request = RunRequest(task, **{"agent": "tester", **changes})
            return await run_agent(bench, request, approver=Nobody(), sinks=[self.seen])


@pytest.fixture
def project(isolated: Path) -> Project:
    (isolated / "agentcli.yaml").write_text("version: 1\nname: demo\n")
    (isolated / "agents").mkdir()
    (isolated / "a.txt").write_text("hello\n")
    made = Project(isolated)
    made.agent()
    made.script("done")
    return made
