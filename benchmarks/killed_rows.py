"""Runs over 200 rows, killed with SIGKILL at random moments and resumed each time until they have ended.

Every row asks a model, which keeps what it was asked, and then writes a file: so it shows whether anything was done
again that was on record as done.
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
steps:
  - "{{ inputs.ticket }}"
  - {id: noted, tool: create_file, with: {path: "{{ inputs.ticket }}.txt", content: "{{ steps.step_1.output }}"}}
"""
AGENT = "version: 1\nkind: agent\nname: worker\ninstructions: Work.\nsettings: {stream: false}\n"


@dataclass
class Place:
    """A project, and what its journal says was done when it was last looked at.

    `asked` are the tickets that the model has answered, `written` those whose file was written, with its mark; `read`
    is how many requests the model had had.
    """

    root: Path
    env: dict[str, str]
    asked: set[int] = field(default_factory=set)
    written: dict[int, tuple[int, int]] = field(default_factory=dict)
    read: int = 0

    @property
    def log(self) -> Path:
        """What the model was asked."""
        return self.root.parent / "model.log"

    @property
    def progress(self) -> int:
        """How far it is, as a number that grows."""
        return self.log.stat().st_size if self.log.exists() else 0

    def repeated(self) -> int:
        """How many calls were made since the last look that were on record as completed then; looks again."""
        requests = [int(json.loads(line)) for line in self.log.read_text().split()] if self.log.exists() else []
        found = sum(ticket in self.asked for ticket in requests[self.read :])
        found += sum(self._mark(ticket) != mark for ticket, mark in self.written.items())
        self.read = len(requests)
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            for row in journal.runs(RunQuery(kind="row", children=True, limit=None)):
                ticket = int(row.start.task.removeprefix("ticket="))
                types = {event.body.type for event in journal.events(row.start.id)}
                self.asked |= {ticket} if "model.completed" in types else set()
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


def place(folder: Path) -> Place:
    """A new project with its rows."""
    root = folder / "p"
    for name in ("agents", "workflows"):
        (root / name).mkdir(parents=True)
    (root / "agentcli.yaml").write_text("version: 1\nmodel: openai:m\nagent: worker\n")
    (root / "agents" / "worker.yaml").write_text(AGENT)
    (root / "workflows" / "triage.yaml").write_text(WORKFLOW)
    (root / "rows.jsonl").write_text("".join(f'{{"ticket": {number}}}\n' for number in range(ROWS)))
    return Place(root, {})


@contextmanager
def served(at: Place) -> Iterator[None]:
    """The model of a project, which outlives the processes that ask it."""
    words = module("latent", str(LATENCY), str(at.log))
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
                words = ["resume", "--in-doubt", "retry"] if _begun(at) else words
            self.repeated += at.repeated()
        if at.output() != list(range(1, ROWS + 1)):
            self.wrong += 1
            print(f"not every row once in {at.root}", file=sys.stderr)

    def _process(self, at: Place, words: list[str]) -> int:
        more, begun = at.progress + self.dice.randint(0, 60), time.monotonic()
        early = self.dice.random() if self.dice.random() < 0.2 else None
        with subprocess.Popen(
            [*CLI, *words, "--yes", "-q", "-o", "out.jsonl"], cwd=at.root, env=at.env, stderr=subprocess.PIPE
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
