"""The catalog: agents and workflows found on disk. The nearest root wins: project, then user, then built-in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from agentcli.catalog.checks import Check, Known, check_agent
from agentcli.core.agents import NAME, AgentTemplate
from agentcli.definitions.files import ENDINGS, both_endings, read_definition
from agentcli.definitions.literal_secrets import warnings_about
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import validate
from agentcli.definitions.yaml_source import read
from agentcli.errors import DefinitionError, ErrorInfo, UsageError

if TYPE_CHECKING:
    from agentcli.core.workflows import WorkflowTemplate

FAMILY = "E-TEMPLATE"

Origin = Literal["project", "user", "built-in", "path"]
"""Where a template comes from; `path` is a file outside every root, named on the command line."""

T = TypeVar("T", AgentTemplate, "WorkflowTemplate")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder with `agents/` and `workflows/` in it."""

    path: Path
    source: Literal["project", "user", "built-in"]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A valid template. `text` is the file's content as it was read, for the manifest."""

    template: T
    path: Path
    text: str
    source: Origin
    warnings: tuple[ErrorInfo, ...] = ()


LoadedAgent: TypeAlias = Loaded[AgentTemplate]
LoadedWorkflow: TypeAlias = "Loaded[WorkflowTemplate]"


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A template in a listing. `shadowed` are the files of the same name in farther roots."""

    name: str
    description: str
    source: Origin
    path: Path
    template: T
    shadowed: tuple[Path, ...] = ()
    warnings: tuple[ErrorInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A file in the catalog that is no valid template."""

    name: str
    source: Origin
    path: Path
    error: DefinitionError


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Every template of a kind by name, and what is broken."""

    valid: tuple[Listed[T], ...]
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    word: str
    folder: str
    model: type[T]
    check: Callable[[T, str, Check], None]


class Catalog:
    """Templates by name. Reads no more than it is asked for: a name costs a few `stat` calls and one file."""

    def __init__(self, roots: Sequence[Root], known: Known | None = None) -> None:
        self._roots = tuple(roots)
        self._known = known or Known()

    def agents(self) -> list[Listed[AgentTemplate]]:
        """Every valid agent by name, the nearest of each name."""
        return list(self.agent_listing().valid)

    def agent_listing(self) -> Listing[AgentTemplate]:
        """Every agent, and what is broken: to be shown as warnings."""
        return self._listing(_AGENTS, self._known)

    def workflow_listing(self) -> Listing[WorkflowTemplate]:
        """Every workflow, and what is broken."""
        return self._listing(_workflows(), self._with_agents())

    def agent(self, name_or_path: str) -> LoadedAgent:
        """The agent of this name or in this file.

        Raises UsageError E-AGENT-UNKNOWN with the nearest name, DefinitionError with everything wrong in its file.
        """
        return self._load_named(_AGENTS, name_or_path, self._known)

    def edited_agent(self, path: Path) -> LoadedAgent:
        """The agent in a file that may be called otherwise: an edit that is tried out. Raises as `agent` does."""
        why = "The edited template is read from there."
        path = _existing(_AGENTS, path.expanduser(), str(path), why)
        return _load(_AGENTS, path, self._root_of(path), self._known, any_name=True)

    def workflow(self, name_or_path: str) -> LoadedWorkflow:
        """The workflow of this name or in this file. Raises as `agent` does (E-WORKFLOW-UNKNOWN)."""
        return self._load_named(_workflows(), name_or_path, self._with_agents())

    def edited_workflow(self, path: Path) -> LoadedWorkflow:
        """The same for a workflow (E-WORKFLOW-UNKNOWN)."""
        kind = _workflows()
        path = _existing(kind, path.expanduser(), str(path), "The edited template is read from there.")
        return _load(kind, path, self._root_of(path), self._with_agents(), any_name=True)

    def is_agent(self, word: str) -> bool:
        """Whether a word names an agent, valid or not, or is the path of a template file."""
        if _is_path(word):
            return " " not in word and word.endswith(ENDINGS) and Path(word).is_file()
        return self._find(_AGENTS, word) is not None

    def names(self, folder: Literal["agents", "workflows"] = "agents") -> list[str]:
        """Every name, sorted, without opening a file: for suggestions and completion."""
        return sorted({name for root in self._roots for name in _stems(root.path / folder)})

    def _with_agents(self) -> Known:
        return replace(self._known, agents=frozenset(self.names("agents")))

    def _find(self, kind: _Kind[T], name: str) -> Root | None:
        if len(name) > 64 or not re.fullmatch(NAME, name):
            return None
        return next((root for root in self._roots if both_endings(root.path / kind.folder, name)), None)

    def _load_named(self, kind: _Kind[T], word: str, known: Known) -> Loaded[T]:
        if _is_path(word):
            why = "A word with a `/` or the ending of a YAML file is a path."
            path = _existing(kind, Path(word).expanduser(), word, why)
            return _load(kind, path, self._root_of(path), known)
        root = self._find(kind, word)
        if root is None:
            raise self._unknown(kind, word)
        return self._load_in(kind, root, word, known)

    def _unknown(self, kind: _Kind[T], word: str) -> UsageError:
        names = sorted({name for root in self._roots for name in _stems(root.path / kind.folder)})
        why = f"There are: {listed(names, 20)}." if names else f"There are no {kind.folder}."
        fix = suggestion(word, names, f"See `agentcli {kind.folder if kind.word == 'agent' else 'workflow'} list`.")
        return UsageError(f"E-{kind.word.upper()}-UNKNOWN", f"There is no {kind.word} `{word}`.", why=why, fix=fix)

    def _load_in(self, kind: _Kind[T], root: Root, name: str, known: Known) -> Loaded[T]:
        first, *others = both_endings(root.path / kind.folder, name)
        if others:
            problems = Problems(FAMILY, str(first))
            why = f"{others[0]} defines it as well."
            problems.add("DUPLICATE-NAME", f"Two files define `{name}`.", why=why, fix="Remove one of them.", at=(1, 1))
            problems.raise_any()
        return _load(kind, first, root, known)

    def _root_of(self, path: Path) -> Root | None:
        """The root that a file given by its path belongs to. In a project, whatever folder it is in."""
        absolute = Path(os.path.normpath(path.absolute()))
        return next((root for root in self._roots if absolute.is_relative_to(root.path)), None)

    def _listing(self, kind: _Kind[T], known: Known) -> Listing[T]:
        roots: dict[str, list[Root]] = {}
        for root in self._roots:
            for name in _stems(root.path / kind.folder):
                roots.setdefault(name, []).append(root)
        valid: list[Listed[T]] = []
        broken: list[Broken] = []
        for name, (nearest_root, *farther) in sorted(roots.items()):
            shadowed = tuple(path for root in farther for path in both_endings(root.path / kind.folder, name))
            try:
                found = self._load_in(kind, nearest_root, name, known)
            except DefinitionError as error:
                path = both_endings(nearest_root.path / kind.folder, name)[0]
                broken.append(Broken(name, nearest_root.source, path, error))
            else:
                about = found.template.description
                valid.append(Listed(name, about, found.source, found.path, found.template, shadowed, found.warnings))
        return Listing(tuple(valid), tuple(broken))


def _existing(kind: _Kind[T], path: Path, word: str, why: str) -> Path:
    if not path.is_file():
        fix = f"Check the path, or name one of the {kind.folder} of the catalog."
        raise UsageError(f"E-{kind.word.upper()}-UNKNOWN", f"There is no file `{word}`.", why=why, fix=fix)
    return path


def _load(kind: _Kind[T], path: Path, root: Root | None, known: Known, *, any_name: bool = False) -> Loaded[T]:
    inside = root.path if root is not None and root.source == "project" else None
    text = read_definition(path, FAMILY, inside=inside)
    source = read(text, str(path), FAMILY)
    problems = Problems(FAMILY, str(path))
    home = root.path if root is not None else path.absolute().parent
    template = validate(kind.model, source, problems)
    kind.check(template, template.name if any_name else path.stem, Check(source, problems, known, home))
    problems.raise_any()
    warnings = tuple(warnings_about(source, FAMILY))
    return Loaded(template, path, text, root.source if root else "path", warnings)


def parse_agent(text: str, shown: str) -> AgentTemplate:
    """The template in a text that was checked when it was first read; `shown` names it in errors.

    Raises DefinitionError, where the format is another one by now.
    """
    return validate(AgentTemplate, read(text, shown, FAMILY), Problems(FAMILY, shown))


def parse_workflow(text: str, shown: str) -> WorkflowTemplate:
    """The same for a workflow."""
    kind = _workflows()
    return validate(kind.model, read(text, shown, FAMILY), Problems(FAMILY, shown))


def _is_path(word: str) -> bool:
    return "/" in word or word.endswith(ENDINGS)


def _stems(folder: Path) -> Iterator[str]:
    """The names that a folder defines, each once; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = {Path(entry.name) for entry in entries if not entry.name.startswith(".")}
    except OSError:
        return iter(())
    return iter({name.stem for name in names if name.suffix in ENDINGS})


_AGENTS = _Kind("agent", "agents", AgentTemplate, check_agent)


def _workflows() -> _Kind[WorkflowTemplate]:
    from agentcli.catalog.workflow_checks import check_workflow
    from agentcli.core.workflows import WorkflowTemplate

    return _Kind("workflow", "workflows", WorkflowTemplate, check_workflow)
