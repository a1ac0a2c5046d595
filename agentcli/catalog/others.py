"""What a workflow names outside of its file: agents and other workflows, each read once for one check."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from agentcli.core.agents import InputSpec
from agentcli.core.values import value
from agentcli.core.workflows import MAX_NESTING
from agentcli.errors import DefinitionError, ErrorInfo

Inputs = Mapping[str, InputSpec]


class Lookup(Protocol):
    """How the catalog is asked."""

    def names(self, folder: Literal["agents", "workflows"]) -> list[str]:
        """Every agent or workflow by name, whether it is valid or not."""

    def agent_inputs(self, name: str) -> Inputs:
        """The inputs that an agent declares. Raises DefinitionError with what is wrong in its file."""

    def workflow_path(self, word: str, home: Path) -> Path | None:
        """The file that a name, or a path from `home`, stands for; None where there is none."""

    def workflow_inputs(self, path: Path, others: Others) -> Inputs:
        """The inputs that a workflow declares. Raises DefinitionError with what is wrong in its file, and below."""


@value(frozen=True, slots=True)
class Nested:
    """A workflow that another one carries out: its inputs, None where its file is not valid or was not looked at.

    `too_deep`: there are more workflows inside of each other than may be; told of the outermost one alone.
    """

    inputs: Inputs | None
    too_deep: bool = False


@value(frozen=True, slots=True)
class Endless:
    """A workflow that carries itself out: the files on the way, from it back to it."""

    files: tuple[Path, ...]


@dataclass
class Others:
    """The agents and workflows of a catalog, for the check of one workflow and of all that it carries out."""

    lookup: Lookup
    _agents: dict[str, Inputs | None] = field(default_factory=dict)
    _workflows: dict[Path, Inputs | None] = field(default_factory=dict)
    _heights: dict[Path, int] = field(default_factory=dict)
    """How many workflows are inside of each other in each that was looked at."""
    _open: list[Path] = field(default_factory=list)
    """Those whose checks are under way, each inside of the one before."""

    @cached_property
    def agent_names(self) -> frozenset[str]:
        """Every agent by name."""
        return frozenset(self.lookup.names("agents"))

    @cached_property
    def workflow_names(self) -> frozenset[str]:
        """Every workflow by name."""
        return frozenset(self.lookup.names("workflows"))

    def agent(self, name: str, tell: Callable[[ErrorInfo], None]) -> Inputs | None:
        """The inputs of an agent; None where its file is not valid, which is told once."""
        if name not in self._agents:
            self._agents[name] = _told(lambda: self.lookup.agent_inputs(name), tell)
        return self._agents[name]

    @contextmanager
    def inside(self, file: Path) -> Iterator[None]:
        """While a workflow's steps are checked."""
        self._open.append(_real(file))
        try:
            yield
        finally:
            inner = self._open.pop()
            if self._open:
                self._stack(self._open[-1], inner)

    def workflow(self, word: str, home: Path, tell: Callable[[ErrorInfo], None]) -> Nested | Endless | None:
        """The workflow that a step of the innermost open one names; None where there is no such file.

        What is wrong in its file, or in those that it names, is told once.
        """
        found = self.lookup.workflow_path(word, home)
        if found is None:
            return None
        path = _real(found)
        if path in self._open:
            return Endless((*self._open[self._open.index(path) :], path))
        if path not in self._workflows and len(self._open) <= MAX_NESTING:
            self._workflows[path] = _told(lambda: self.lookup.workflow_inputs(found, self), tell)
        if self._open:
            self._stack(self._open[-1], path)
        too_deep = len(self._open) == 1 and self._heights.get(path, 0) >= MAX_NESTING
        return Nested(self._workflows.get(path), too_deep)

    def _stack(self, outer: Path, inner: Path) -> None:
        self._heights[outer] = max(self._heights.get(outer, 0), self._heights.get(inner, 0) + 1)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _told(ask: Callable[[], Inputs], tell: Callable[[ErrorInfo], None]) -> Inputs | None:
    try:
        return ask()
    except DefinitionError as error:
        for info in (error.info, *error.others):
            tell(info)
        return None
