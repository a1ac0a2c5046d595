"""The tool `search_files`: the lines of many text files that match a regular expression."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from agentcli.core.tools import FileChange, ToolResult, ToolSpec
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.walking import Bounds, Found
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.file_tool import FileTool, OutputOptions, stopped
from agentcli.tools.ignoring import Ignoring
from agentcli.tools.line_search import HELD, MOST_COUNTED, StoppedError, search
from agentcli.tools.list_files import EVERYTHING, line_of, parsed, tidied
from agentcli.tools.patterns import MAX_PATTERN_CHARS, compiled
from agentcli.tools.text import counted, fitting, with_notes

SECONDS: Final = 20.0
"""What is not searched by then is left out, and the result says so."""


class SearchFilesArguments(Arguments):
    """What to look for, and in which files."""

    pattern: str = Field(min_length=1, max_length=MAX_PATTERN_CHARS, description="Regular expression (RE2 syntax).")
    glob: str = Field(EVERYTHING, max_length=500, description="Which files, such as **/*.py; ** is any depth.")
    ignored: bool = Field(False, description="Search also what .gitignore names.")


class SearchFilesOptions(OutputOptions):
    """How far one call goes, and how much it may show."""

    max_lines: int = Field(100, ge=1, le=10_000, description="Matching lines of one result.")
    max_files: int = Field(10_000, ge=1, le=100_000, description="Files searched by one call.")


OPTIONS = SearchFilesOptions


def spec() -> ToolSpec:
    """What models and people are told. No `subject`: what a glob reaches cannot be told from its text."""
    return ToolSpec(
        name="search_files",
        description="Find the lines of all text files that match a regular expression.",
        parameters=schema_of(SearchFilesArguments),
        effects="read-only",
        examples=({"pattern": "def main", "glob": "src/**/*.py"}, {"pattern": "(?i)todo|fixme"}),
        returns="The matching lines as `src/app.py:12: text`. A last line in brackets says what was left out.",
    )


def build(context: ToolContext, options: SearchFilesOptions) -> FileTool[Any]:
    """The tool over a workspace."""
    workspace = context.workspace

    def tidy(arguments: SearchFilesArguments) -> SearchFilesArguments:
        glob = tidied(arguments.glob)
        parsed(glob)
        return arguments.model_copy(update={"glob": glob})

    def work(arguments: SearchFilesArguments) -> ToolResult:
        expression = compiled(arguments.pattern)
        ignoring = Ignoring(workspace)
        bounds = Bounds(files=options.max_files, names=200_000)
        found = workspace.walk(parsed(arguments.glob), bounds, None if arguments.ignored else ignoring)
        searched = _Search(workspace, expression, options)
        searched.run(found.files)
        return searched.result(found, ignoring.unused)

    return FileTool(spec(), SearchFilesArguments, tidy, work)


@dataclass(slots=True)
class _Search:
    """One search, file by file, until it has looked at all or at enough."""

    workspace: Workspace
    expression: Any
    options: SearchFilesOptions
    lines: list[str] = field(default_factory=list)
    count: int = 0
    matching: int = 0
    searched: int = 0
    binary: int = 0
    unreadable: int = 0
    late: bool = False
    touched: list[FileChange] = field(default_factory=list)
    _held: int = 0

    def run(self, paths: list[str]) -> None:
        """Search them in this order."""
        until = time.monotonic() + SECONDS
        for path in paths:
            if time.monotonic() > until or stopped():
                self.late = True
                return
            if self.count > MOST_COUNTED:
                return
            try:
                self._one(path, lambda: stopped() or time.monotonic() > until)
            except StoppedError:
                self.late = True
                return
            except ToolError as error:
                self.binary += error.code == "E-FILE-BINARY"
                self.unreadable += error.code != "E-FILE-BINARY"
            else:
                self.searched += 1

    def _one(self, path: str, over: Callable[[], bool]) -> None:
        keep = self.options.max_lines - len(self.lines)
        hold = HELD - self._held
        with self.workspace.reading(path) as file:
            found = search(file, path, self.expression, keep=keep, hold=hold, stopped=over)
        if not found.count:
            return
        self.count += found.count
        self.matching += 1
        if found.lines:  # the record tells of the files that the result shows
            self.lines += [f"{line_of(path)}:{number}: {line}" for number, line in found.lines]
            self.touched.append(found.change)
            self._held += len(found.change.before or b"")

    def result(self, found: Found, unused: list[str]) -> ToolResult:
        """What the model reads."""
        out = fitting(self.lines, self.options.max_lines, self.options.max_bytes)
        complete = not (found.cut or self.late or self.count > len(out))
        data = {"lines": len(out), "matches": self.count, "files": self.matching, "complete": complete}
        content = with_notes(out, *self._notes(len(out), found, unused))
        return ToolResult(content, data=data, files=tuple(self.touched))

    def _notes(self, shown: int, found: Found, unused: list[str]) -> list[str]:
        notes = []
        if not self.count:
            searched = f"no line of {counted(self.searched, 'file')} matches"
            notes.append(searched if self.searched else "no file to search")
        elif shown < self.count:
            count = f"{self.count:,}" if self.count <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
            notes.append(f"{shown} of {count} matching lines; narrow the pattern or the glob to see others")
        if found.cut:
            notes.append(found.cut)
        if self.late:
            notes.append(f"the search ended after {SECONDS:g} s and {self.searched:,} of {len(found.files):,} files")
        if found.skipped:
            notes.append(f"not searched: {', '.join(sorted(found.skipped))}")
        if found.ignored:
            notes.append(f"{counted(found.ignored, 'name')} left out by .gitignore")
        if unused:
            notes.append(f"not used: {', '.join(map(line_of, unused[:3]))}")
        if self.binary:
            notes.append(f"passed over: {counted(self.binary, 'file')} without text")
        if self.unreadable + found.unreadable:
            notes.append(f"{self.unreadable + found.unreadable:,} could not be read")
        return notes
