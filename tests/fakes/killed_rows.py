"""Runs over many rows that are killed with SIGKILL again and again, and resumed each time until they have ended.

Every row asks a model, which keeps what it was asked, and then writes a file: so it shows whether anything was done
again that was on record as done.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from agentcli.core.runs import RunQuery, RunRow
from agentcli.journal.store import SqliteJournal
from tests.fakes.scripted_project import CLI, environment

CONCURRENCY = 8
MOST_PROCESSES = 150
LONGEST_WAIT = 0.01
"""Seconds between an event that is seen and the kill, at most."""

WORKFLOW = """version: 1
kind: workflow
name: triage
inputs: {ticket: {type: integer, required: true}}
steps:
  - "{{ inputs.ticket }}"
  - {id: noted, tool: create_file, with: {path: "{{ inputs.ticket }}.txt", content: "{{ steps.step_1.output }}"}}
"""
AGENT = "version: 1\nkind: agent\nname: worker\ninstructions: Work.\nsettings: {stream: false}\n"
RUN = ("workflow", "run", "triage", "--each", "rows.jsonl", "--concurrency", str(CONCURRENCY))
RESUME = ("resume", "--in-doubt", "retry")


@dataclass
class Place:
    """A project, and what its journal says was done when it was last looked at.

    `requests` gives the tickets that the model was asked about. `answered` are those that it answered, `written` those
    whose file was written, with its mark; `read` is how many requests there had been.
    """

    root: Path
    env: dict[str, str]
    requests: Callable[[], Sequence[int]]
    answered: set[int] = field(default_factory=set)
    written: dict[int, tuple[int, int]] = field(default_factory=dict)
    read: int = 0

    def runs(self, **which: object) -> list[RunRow]:
        """Those on record."""
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            return journal.runs(RunQuery(**{"limit": None, **which}))  # type: ignore[arg-type]

    def types(self, run: str) -> list[str]:
        """Of the events of a run."""
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            return [event.body.type for event in journal.events(run)]

    def parent(self) -> list[str]:
        """The types of the parent's events; none where there is no run yet."""
        runs = self.runs(kind="workflow")
        return self.types(runs[0].start.id) if runs else []

    def repeated(self) -> int:
        """How many calls were made since the last look that were on record as completed then; looks again."""
        requests = self.requests()
        found = sum(ticket in self.answered for ticket in requests[self.read :])
        found += sum(self._mark(ticket) != mark for ticket, mark in self.written.items())
        self.read = len(requests)
        for row in self.runs(kind="row", children=True):
            ticket, types = int(row.start.task.removeprefix("ticket=")), self.types(row.start.id)
            self.answered |= {ticket} if "model.completed" in types else set()
            if "tool.completed" in types:
                self.written[ticket] = self._mark(ticket)
        return found

    def _mark(self, ticket: int) -> tuple[int, int]:
        """Changes whenever the file is written."""
        status = (self.root / f"{ticket}.txt").stat()
        return status.st_ino, status.st_mtime_ns

    def output(self) -> list[int]:
        """The numbers of the completed rows in the output."""
        lines = [json.loads(line) for line in (self.root / "out.jsonl").read_text().splitlines()]
        return [line["row"] for line in lines if line["status"] == "completed"]


def place(folder: Path, rows: int, url: str, requests: Callable[[], Sequence[int]]) -> Place:
    """A new project with its rows, and a model at that address."""
    root = folder / "p"
    for name in ("agents", "workflows"):
        (root / name).mkdir(parents=True)
    (root / "agentcli.yaml").write_text("version: 1\nmodel: openai:m\nagent: worker\n")
    (root / "agents" / "worker.yaml").write_text(AGENT)
    (root / "workflows" / "triage.yaml").write_text(WORKFLOW)
    (root / "rows.jsonl").write_text("".join(f'{{"ticket": {number}}}\n' for number in range(rows)))
    return Place(root, environment(folder, OPENAI_API_KEY="none-needed", OPENAI_BASE_URL=url), requests)


@dataclass
class Killing:
    """What was seen. `early` is the share of the kills while the process starts; the others come after some events."""

    dice: random.Random
    most: int
    early: float = 0.0
    kills: int = 0
    repeated: int = 0
    wrong: int = 0
    problems: list[str] = field(default_factory=list)

    def one_run(self, at: Place, rows: int) -> None:
        """A run to its end, killed as long as there are kills left."""
        words = RUN
        for _ in range(MOST_PROCESSES):
            if self._process(at, words) >= 0:
                break
            self.repeated += at.repeated()
            # Before all rows are on record, none was run: then it is begun again.
            words = RESUME if "row.started" in at.parent() else RUN
        self.repeated += at.repeated()
        if at.output() != list(range(1, rows + 1)):
            self.wrong += 1
            others = [line for line in (at.root / "out.jsonl").read_text().splitlines() if '"completed"' not in line]
            self.problems.append(f"not every row once in {at.root}: {len(at.output())} completed, and {others[:3]}")

    def _process(self, at: Place, words: Sequence[str]) -> int:
        known = len(at.parent())
        with subprocess.Popen(
            [*CLI, *words, "--yes", "--json", "-o", "out.jsonl"],
            cwd=at.root,
            env=at.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as one:
            if self.kills < self.most:
                self._kill(one, known)
            _, said = one.communicate()
        if one.returncode > 0:
            self.problems.append(said.decode())
        self.kills += one.returncode == -signal.SIGKILL
        return one.returncode

    def _kill(self, one: subprocess.Popen[bytes], known: int) -> None:
        if self.dice.random() < self.early:
            time.sleep(self.dice.random())
            one.send_signal(signal.SIGKILL)
            return
        last = known + self.dice.randint(1, 14)
        assert one.stdout is not None
        for line in one.stdout:
            if json.loads(line)["seq"] >= last:
                time.sleep(self.dice.random() * LONGEST_WAIT)
                one.send_signal(signal.SIGKILL)
                return
