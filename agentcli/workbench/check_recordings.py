"""Recorded runs as regression tests: does each one still come out the same under the agent's template of today?"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from agentcli.core.events import Event, ToolCompleted
from agentcli.core.values import value
from agentcli.errors import AgentcliError, ErrorInfo, UsageError
from agentcli.workbench.import_run import import_run
from agentcli.workbench.replay_run import Divergence, Replayed, replay_run
from agentcli.workbench.wiring import Workbench

SUFFIX: Final = ".agentcli"
"""What the file of a recording ends with: a bundle that `runs export` wrote."""


@value(frozen=True, slots=True)
class ReplayedFile:
    """A recording, carried out again from its record alone. `tools` are the calls in the order of their results."""

    run: str
    agent: str
    replayed: Replayed
    tools: tuple[str, ...]


@value(frozen=True, slots=True)
class Checked:
    """What came of one recording. `error` is set where it is not the same any more, or could not be replayed."""

    file: Path
    run: str | None
    agent: str | None
    tools: tuple[str, ...]
    divergence: Divergence | None
    error: ErrorInfo | None
    duration_s: float

    @property
    def same(self) -> bool:
        """Whether it came out as recorded."""
        return self.error is None

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "file": str(self.file),
            "run": self.run,
            "agent": self.agent,
            "same": self.same,
            "tools": list(self.tools),
            "divergence": self.divergence.to_json() if self.divergence else None,
            "error": self.error.to_json() if self.error else None,
            "duration_s": self.duration_s,
        }


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """The recordings among and below these paths, sorted; hidden folders are not looked into, links not followed.

    A file that is named counts whatever it is called. Raises UsageError E-USAGE-FILE, E-TEST-NONE.
    """
    found = {file.absolute() for path in paths for file in _below(path)}
    if not found:
        raise nothing_to_test(f"No file ends with `{SUFFIX}` in {', '.join(map(str, paths))}.")
    return sorted(found)


def nothing_to_test(why: str) -> UsageError:
    """There is no recording, for this reason."""
    fix = "Make one with `agentcli runs export RUN --to pytest -o tests`."
    return UsageError("E-TEST-NONE", "There is no recording to test.", why=why, fix=fix)


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif not path.is_dir():
        why = "There is no such file or folder."
        raise UsageError("E-USAGE-FILE", f"{path} cannot be read.", why=why, fix="Check the path.")
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith(SUFFIX))


def default_place(bench: Workbench) -> Path:
    """Where recordings are looked for: the project's `tests`, else the whole of it."""
    tests = bench.base / "tests"
    return tests if tests.is_dir() else bench.base


def check_recordings(bench: Workbench, files: Iterable[Path], text: str = "") -> Iterator[Checked]:
    """Replay each against the template that its agent has now; `text` keeps those whose path or agent has it.

    What is wrong with one recording is told of that one, and the others are checked all the same.
    """
    for file in files:
        with _Check(bench, file) as check:
            if text.casefold() in f"{file} {check.agent or ''}".casefold():
                yield check.result()


def replay_recording(bench: Workbench, file: Path) -> ReplayedFile:
    """Replay one recording against the template that its agent has now. Nothing is executed or sent.

    Raises CheckError E-TEST-AGENT where there is no such agent any more; what `import_run`, `replay_run` and reading
    the template raise.
    """
    with _Check(bench, file) as check:
        return check.replay()


@dataclass(slots=True)
class _Check:
    """One recording in a journal of its own, which is gone afterwards: the project's journal is never touched."""

    bench: Workbench
    file: Path
    run: str | None = None
    agent: str | None = None
    _began: float = field(default_factory=time.monotonic)
    _fault: AgentcliError | None = None
    _own: Workbench = field(init=False)
    _folder: TemporaryDirectory[str] = field(init=False)

    def __enter__(self) -> _Check:
        self._folder = TemporaryDirectory(prefix="agentcli-test-", ignore_cleanup_errors=True)
        self._own = self.bench.with_journal(Path(self._folder.name))
        try:
            self.run = import_run(self._own, self.file).run
            self.agent = self._own.journal.find(self.run).start.name
        except AgentcliError as error:
            self._fault = error
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._own.close()
        finally:
            self._folder.cleanup()

    def result(self) -> Checked:
        tools: tuple[str, ...] = ()
        divergence = error = None
        try:
            done = self.replay()
            tools, divergence = done.tools, done.replayed.divergence
            error = divergence.error if divergence else None
        except AgentcliError as failed:
            error = failed.info
        seconds = time.monotonic() - self._began
        return Checked(self.file, self.run, self.agent, tools, divergence, error, seconds)

    def replay(self) -> ReplayedFile:
        if self._fault is not None or self.run is None or self.agent is None:
            raise self._fault or AssertionError("a recording without a run")
        calls = _Calls()
        replayed = asyncio.run(replay_run(self._own, self.run, template="today", sinks=[calls]))
        return ReplayedFile(self.run, self.agent, replayed, tuple(calls.tools))


@dataclass(slots=True)
class _Calls:
    """Notes the tools that a run calls."""

    tools: list[str] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        self.tools.extend(tools_of([event]))


def tools_of(events: Iterable[Event]) -> list[str]:
    """The tools that were called, in the order of their results."""
    return [event.body.tool for event in events if isinstance(event.body, ToolCompleted)]
