"""Runs of the program that are killed with SIGKILL again and again, until they have ended; and what became of them."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentcli.core.events import Event
from agentcli.errors import UsageError
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.replay_run import replay_run
from agentcli.workbench.wiring import Options, open_workbench
from tests.fakes.scripted_project import CLI, called, project

FILES = 12
CHANGING = ("create_file", "delete_file")
MOST_PROCESSES = 80
"""So often a run is gone on with, at most."""

LONGEST_WAIT = 0.004
"""Seconds between an event that is seen and the kill, at most."""


@dataclass(frozen=True)
class Moment:
    """When to kill: after so many new events, or the first one of a type, and a little more."""

    events: int = 1
    type: str = ""
    more: float = 0.0


@dataclass
class Killing:
    """Runs below `folder`, killed until there were `most` kills. The figures are what must be 0, and how much was seen.

    `lost`: events that were acknowledged and are not on disk. `repeated`: calls made twice that must not be. `stuck`:
    runs that could not be gone on with, verified or replayed. `doubts`: calls of which it was not known whether they
    happened; `settled` so often by a person, `retried` by the program.
    """

    folder: Path
    dice: random.Random
    most: int
    kills: int = 0
    lost: int = 0
    repeated: int = 0
    stuck: int = 0
    doubts: int = 0
    settled: int = 0
    retried: int = 0
    runs: int = 0
    unfinished: int = 0
    problems: list[str] = field(default_factory=list)

    def place(self) -> Path:
        """Where the next run is to be made."""
        self.runs += 1
        return self.folder / f"k{self.runs}" / "p"

    def process(self, at: Place, words: Sequence[str], moment: Moment) -> tuple[int, list[dict[str, Any]]]:
        """One process, killed at the moment if it comes. Returns its exit code and what it said, whole lines of it."""
        lines: list[dict[str, Any]] = []
        known = at.last_seq()
        with subprocess.Popen(
            [*CLI, *words, "--json"], cwd=at.root, env=at.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as one:
            assert one.stdout is not None
            for line in one.stdout:
                lines.append(json.loads(line))
                if self.kills < self.most and _has_come(moment, lines[-1], known):
                    time.sleep(moment.more)
                    one.send_signal(signal.SIGKILL)
                    break
            lines += [json.loads(line) for line in one.stdout if line.endswith(b"\n")]
            code = one.wait()
        self.kills += code == -signal.SIGKILL
        self._acknowledged(at, lines)
        return code, lines

    def _acknowledged(self, at: Place, lines: list[dict[str, Any]]) -> None:
        """A change to the world that the next request came after is on disk, and so is an end that was told."""
        asked = [line["seq"] for line in lines if line["type"] == "model.started"]
        changed = [line for line in lines if line["type"] == "tool.completed" and line["tool"] in CHANGING]
        done = [line for line in changed if asked and line["seq"] < asked[-1]]
        done += [line for line in lines if line["type"] == "run.completed"]
        kept = {event.seq: event.body.type for event in at.events()}
        self.lost += sum(kept.get(line["seq"]) != line["type"] for line in done)

    def check(self, at: Place, what: str) -> None:
        """The record is whole, and replays."""
        if problem := at.problem():
            self.stuck += 1
            self.problems.append(f"{what} in {at.root}: {problem}")


def _has_come(moment: Moment, line: dict[str, Any], known: int) -> bool:
    if moment.type:
        return bool(line["type"] == moment.type)
    return bool((line.get("seq") or 0) >= known + moment.events)


@dataclass(frozen=True)
class Place:
    """A project and what its journal holds, read in this process."""

    root: Path
    env: dict[str, str]

    def events(self) -> list[Event]:
        """Those of the last run; none where there is no run."""
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            try:
                return list(journal.events("last"))
            except UsageError:
                return []

    def last_seq(self) -> int:
        """The seq of the last event, 0 where there is none."""
        events = self.events()
        return events[-1].seq if events else 0

    def in_doubt(self) -> list[Event]:
        """The calls that were begun and have no result."""
        events = self.events()
        done = {(event.lane, event.body.call_id) for event in events if event.body.type == "tool.completed"}
        begun = {(event.lane, event.body.call_id): event for event in events if event.body.type == "tool.started"}
        return [event for place, event in begun.items() if place not in done]

    def problem(self) -> str:
        """What is wrong with the record of the last run; nothing if it is whole and replays."""
        with open_workbench(Options(cwd=self.root, environ=self.env)) as bench:
            checked = bench.journal.verify("last")
            if not checked.intact:
                return str(checked.problems)
            replayed = asyncio.run(replay_run(bench, "last"))
        return str(replayed.divergence.error) if replayed.divergence else "" if replayed.whole else "it has no end"

    def loose_events(self) -> int:
        """How many events are not compacted."""
        with closing(sqlite3.connect(self.root / ".agentcli" / "journal.db")) as database:
            (count,) = database.execute("SELECT count(*) FROM events WHERE type != '+'").fetchone()
        return int(count)


# -- what must not be done twice --------------------------------------------------------------------------------------


def delete_files(killing: Killing) -> None:
    """One run that deletes files. Deleting one twice is an error, on record: so it shows."""
    root, files = killing.place(), [f"f{number}.txt" for number in range(FILES)]
    env = project(root, [*(called("delete_file", path=name) for name in files), "Done."], tools=["delete_file"])
    for name in files:
        (root / name).write_text("x")
    at, words = Place(root, env), ["run", "Go"]
    for _ in range(MOST_PROCESSES):
        killing.process(at, [*words, "--yes"], _some_moment(killing, words))
        events = at.events()
        if events and events[-1].body.type == "run.completed" and events[-1].body.status == "completed":
            done = [event.body for event in events if event.body.type == "tool.completed"]
            killing.repeated += sum(body.status != "ok" for body in done) + len(done) - FILES
            killing.check(at, "delete")
            return
        words = _way_on(killing, at, words)
    killing.stuck += 1
    killing.problems.append(f"no end after {MOST_PROCESSES} processes in {root}")


def _some_moment(killing: Killing, words: Sequence[str]) -> Moment:
    """Anywhere; while a doubt is settled, mostly in the midst of that."""
    settling = "--in-doubt" in words or "--tool-result" in words
    events = killing.dice.randint(1, 4 if settling and killing.dice.random() < 0.7 else 20)
    return Moment(events, more=killing.dice.random() * LONGEST_WAIT)


def _way_on(killing: Killing, at: Place, before: Sequence[str]) -> list[str]:
    """How a person goes on: looks at the file of the call in doubt, and says what is the case."""
    if not at.events():
        return ["run", "Go"]
    doubtful = at.in_doubt()
    if not doubtful:
        return ["resume"]
    killing.doubts += list(before) != ["resume"]  # not once more where it was only refused
    if list(before) != ["resume"] and killing.dice.random() < 0.3:
        return ["resume"]  # nobody says: it must be refused, and go on later
    killing.settled += 1
    last = doubtful[-1]
    if (at.root / last.body.arguments["path"]).exists():
        return ["resume", "--in-doubt", "retry"]
    return ["resume", "--tool-result", f"{last.seq}=Deleted."]


# -- what may be done again -------------------------------------------------------------------------------------------


def write_files(killing: Killing) -> None:
    """One run that reads and writes files, always killed in the midst of a call: it goes on without being told how."""
    root, files = killing.place(), [f"f{number}.txt" for number in range(FILES)]
    replies = [reply for name in files for reply in (called("create_file", path=name, content=name), _grep(name))]
    at = Place(root, project(root, [*replies, "Done."], tools=["create_file", "grep_file"]))
    words = ["run", "Go"]
    for _ in range(MOST_PROCESSES):
        more = killing.dice.random() * LONGEST_WAIT
        code, _ = killing.process(at, [*words, "--yes"], _at_a_call(killing, more))
        killing.doubts += len(at.in_doubt())
        if code >= 0:
            break
        words = ["resume"] if at.events() else ["run", "Go"]
    events = at.events()
    begun = [event.body.call_id for event in events if event.body.type == "tool.started"]
    killing.retried += len(begun) - len(set(begun))
    whole = [name for name in files if (root / name).exists() and (root / name).read_text() == name]
    if code or whole != files:
        killing.stuck += 1
        killing.problems.append(f"exit code {code}, {len(whole)} files in {root}")
    killing.check(at, "write")


def _grep(name: str) -> dict[str, Any]:
    return called("grep_file", path=name, pattern="f")


def _at_a_call(killing: Killing, more: float) -> Moment:
    """At the first call of the process, or one that comes later."""
    if killing.dice.random() < 0.5:
        return Moment(type="tool.started", more=more)
    return Moment(killing.dice.randint(1, 12), more=more)


# -- while an ended run is made small ---------------------------------------------------------------------------------


def compact(killing: Killing, turns: int, longest_wait: float) -> None:
    """One run of many events, killed when its end was told; then another in the same journal."""
    root = killing.place()
    replies = [{**called("read_lines", path="a.txt"), "repeat": turns}, "Done."]
    at = Place(root, project(root, replies, tools=["read_lines"]))
    (root / "a.txt").write_text("".join(f"line {number}\n" for number in range(20)))
    killing.process(at, ["run", "Go"], Moment(type="run.completed", more=killing.dice.random() * longest_wait))
    killing.unfinished += at.loose_events() > 0
    killing.check(at, "compacted")
    (root / "s.json").write_text(json.dumps({"replies": ["Again."]}))
    done = subprocess.run([*CLI, "-q", "run", "Go"], cwd=root, env=at.env, capture_output=True, check=False)
    with open_workbench(Options(cwd=root, environ=at.env)) as bench:
        intact = [one.intact for one in bench.journal.verify_all()]
    if done.stdout != b"Again.\n" or intact != [True, True]:
        killing.stuck += 1
        killing.problems.append(f"after a compaction in {root}: {done.stderr.decode()} {intact}")
