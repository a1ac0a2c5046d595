"""Runs over 200 rows, killed with SIGKILL at random moments and resumed each time until they have ended.

Every row asks a model and then calls a tool that notes it, both of which keep what they were asked: so it shows whether
anything was done again that was on record as done.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agentcli.core.runs import RunQuery
from agentcli.journal.store import SqliteJournal
from benchmarks.overhead import environment, module
from benchmarks.table import Row
from tests.fakes.scripted_project import CLI

KILLS, ROWS, CONCURRENCY = 50, 200, 8
LATENCY = 0.05
MOST_PROCESSES = 120

WORKFLOW = """version: 1
kind: workflow
name: triage
inputs: {ticket: {type: integer, required: true}}
tools: [{python: note.py}]
steps:
  - "{{ inputs.ticket }}"
  - {id: noted, tool: note, with: {ticket: "{{ inputs.ticket }}"}}
"""
AGENT = "version: 1\nkind: agent\nname: worker\ninstructions: Work.\nsettings: {stream: false}\n"
TOOL = '''from agentcli import tool


@tool
def note(ticket: int) -> str:
    """Note a ticket."""
    with open({path!r}, "a") as file:
        file.write(f"{{ticket}}\\n")
    return "noted"
'''


@dataclass
class Place:
    """A project, the logs of what was done, and what its journal says was done when it was last looked at."""

    root: Path
    env: dict[str, str]
    done: dict[str, set[int]] = field(default_factory=lambda: {"model": set(), "tool": set()})
    read: dict[str, int] = field(default_factory=lambda: {"model": 0, "tool": 0})

    def log(self, name: str) -> list[int]:
        """What was asked of the model or the tool, in its order."""
        path = self.root.parent / f"{name}.log"
        return [int(line.strip('"')) for line in path.read_text().split()] if path.exists() else []

    @property
    def progress(self) -> int:
        """Bytes in both logs."""
        logs = [self.root.parent / f"{name}.log" for name in self.read]
        return sum(path.stat().st_size for path in logs if path.exists())

    def repeated(self) -> int:
        """How many calls were made since the last look that were on record as completed then; looks again."""
        found = 0
        for name, done in self.done.items():
            entries = self.log(name)
            found += sum(entry in done for entry in entries[self.read[name] :])
            self.read[name] = len(entries)
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            for row in journal.runs(RunQuery(kind="row", children=True, limit=None)):
                ticket = int(row.start.task.removeprefix("ticket="))
                types = {event.body.type for event in journal.events(row.start.id)}
                self.done["model"] |= {ticket} if "model.completed" in types else set()
                self.done["tool"] |= {ticket} if "tool.completed" in types else set()
        return found

    def output(self) -> list[int]:
        """The numbers of the completed rows in the output."""
        lines = [json.loads(line) for line in (self.root / "out.jsonl").read_text().splitlines()]
        return [line["row"] for line in lines if line["status"] == "completed"]


def place(folder: Path) -> Place:
    """A new project with its rows."""
    root = folder / "p"
    for name in ("agents", "workflows"):
        (root / name).mkdir(parents=True)
    (root / "agentcli.yaml").write_text("version: 1\nmodel: openai:m\nagent: worker\n")
    (root / "agents" / "worker.yaml").write_text(AGENT)
    (root / "workflows" / "triage.yaml").write_text(WORKFLOW)
    (root / "note.py").write_text(TOOL.format(path=str(folder / "tool.log")))
    (root / "rows.jsonl").write_text("".join(f'{{"ticket": {number}}}\n' for number in range(ROWS)))
    return Place(root, {})


@contextmanager
def served(at: Place) -> Iterator[None]:
    """The model of a project, which outlives the processes that ask it."""
    words = module("latent", str(LATENCY), str(at.root.parent / "model.log"))
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    at.env = environment(at.root.parent, OPENAI_API_KEY="none-needed", OPENAI_BASE_URL=url)
    try:
        yield
    finally:
        server.stdin.close()
        server.wait()


@dataclass
class Killing:
    """What was seen. `repeated` and `wrong` must be nothing."""

    dice: random.Random
    kills: int = 0
    runs: int = 0
    repeated: int = 0
    wrong: int = 0

    def one_run(self, folder: Path) -> None:
        """A run to its end, killed as long as there are kills left."""
        self.runs += 1
        at = place(folder / f"r{self.runs}")
        words = ["workflow", "run", "triage", "--each", "rows.jsonl", "--concurrency", str(CONCURRENCY)]
        with served(at):
            for _ in range(MOST_PROCESSES):
                if self._process(at, words) >= 0:
                    break
                self.repeated += at.repeated()
                words = ["resume", "--in-doubt", "retry"] if at.done["model"] or _begun(at) else words
            self.repeated += at.repeated()
        if at.output() != list(range(1, ROWS + 1)):
            self.wrong += 1
            print(f"not every row once in {at.root}", file=sys.stderr)

    def _process(self, at: Place, words: list[str]) -> int:
        more, begun = at.progress + self.dice.randint(0, 60), time.monotonic()
        early = self.dice.random() if self.dice.random() < 0.2 else None
        with subprocess.Popen(
            [*CLI, *words, "--trust", "--yes", "-q", "-o", "out.jsonl"], cwd=at.root, env=at.env, stderr=subprocess.PIPE
        ) as one:
            while one.poll() is None and self.kills < KILLS:
                if at.progress > more or (early is not None and time.monotonic() - begun > early):
                    time.sleep(self.dice.random() * 0.02)
                    one.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
            said = one.communicate()[1]
        if one.returncode > 0:
            print(said.decode(), file=sys.stderr)
        self.kills += one.returncode == -signal.SIGKILL
        return one.returncode


def _begun(at: Place) -> bool:
    """Whether all rows are on record: only then the run can be gone on with."""
    with closing(SqliteJournal(at.root / ".agentcli")) as journal:
        runs = journal.runs(RunQuery(kind="workflow", limit=1))
        return bool(runs) and any(event.body.type == "rows.read" for event in journal.events(runs[0].start.id))


def kills(folder: Path) -> Iterator[Row]:
    """As many kills as are wanted."""
    seed = random.SystemRandom().randrange(1 << 32)
    killing = Killing(random.Random(seed))
    while killing.kills < KILLS:
        killing.one_run(folder)
    what = f"{killing.kills} times kill -9 (seed {seed}), {killing.runs} runs of {ROWS} rows"
    yield Row(f"{what}: completed calls made again", str(killing.repeated), "0", "", not killing.repeated)
    yield Row("… outputs without every row once", str(killing.wrong), "0", f"of {killing.runs}", not killing.wrong)
