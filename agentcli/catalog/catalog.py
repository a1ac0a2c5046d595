"""The catalog: agents and workflows found on disk. The nearest root wins: project, then user, then built-in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from agentcli.catalog.checks import Check, Known, check_agent
from agentcli.core.agents import NAME, AgentTemplate, InputSpec
from agentcli.core.values import value
from agentcli.definitions.files import ENDINGS, both_endings, read_definition
from agentcli.definitions.literal_secrets import warnings_about
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import validate
from agentcli.definitions.yaml_source import read
from agentcli.errors import DefinitionError, ErrorInfo, UsageError

if TYPE_CHECKING:
    from agentcli.catalog.others import Others
    from agentcli.core.workflows import WorkflowTemplate

FAMILY = "E-TEMPLATE"

Origin = Literal["project", "user", "built-in", "path"]
"""Where a template comes from; `path` is a file outside every root, named on the command line."""

T = TypeVar("T", AgentTemplate, "WorkflowTemplate")


@value(frozen=True, slots=True)
class Root:
    """A folder with `agents/` and `workflows/` in it."""

    path: Path
    source: Literal["project", "user", "built-in"]


@value(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A valid template. `text` is the file's content as it was read, for the manifest."""

    template: T
    path: Path
    text: str
    source: Origin
    warnings: tuple[ErrorInfo, ...] = ()


LoadedAgent: TypeAlias = Loaded[AgentTemplate]
LoadedWorkflow: TypeAlias = "Loaded[WorkflowTemplate]"


@value(frozen=True, slots=True)
class Listed(Generic[T]):
    """A template in a listing. `shadowed` are the files of the same name in farther roots."""

    name: str
    description: str
    source: Origin
    path: Path
    template: T
    shadowed: tuple[Path, ...] = ()
    warnings: tuple[ErrorInfo, ...] = ()


@value(frozen=True, slots=True)
class Broken:
    """A file in the catalog that is no valid template."""

    name: str
    source: Origin
    path: Path
    error: DefinitionError


@value(frozen=True, slots=True)
class Listing(Generic[T]):
    """Every template of a kind by name, and what is broken."""

    valid: tuple[Listed[T], ...]
    broken: tuple[Broken, ...]


@value(frozen=True, slots=True)
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

    def agent_listing(self) -> Listing[AgentTemplate]:
        """Every agent by name, the nearest of each name, and what is broken: to be shown as warnings."""
        return self._listing(_AGENTS)

    def workflow_listing(self) -> Listing[WorkflowTemplate]:
        """Every workflow, and what is broken."""
        return self._listing(_workflows())

    def agent(self, name_or_path: str) -> LoadedAgent:
        """The agent of this name or in this file.

        Raises UsageError E-AGENT-UNKNOWN with the nearest name, DefinitionError with everything wrong in its file.
        """
        return self._load_named(_AGENTS, name_or_path)

    def edited_agent(self, path: Path) -> LoadedAgent:
        """The agent in a file that may be called otherwise: an edit that is tried out. Raises as `agent` does."""
        why = "The edited template is read from there."
        path = _existing(_AGENTS, path.expanduser(), str(path), why)
        return self._load(_AGENTS, path, self._root_of(path), any_name=True)

    def workflow(self, name_or_path: str) -> LoadedWorkflow:
        """The workflow of this name or in this file. Raises as `agent` does (E-WORKFLOW-UNKNOWN)."""
        return self._load_named(_workflows(), name_or_path)

    def nested_workflow(self, name_or_path: str, home: Path) -> LoadedWorkflow | None:
        """The workflow that a step names; a path counts from `home`, the folder that its file's paths count from.

        None where there is no such file, or one that does not lie in that folder. Raises DefinitionError.
        """
        path = self.workflow_path(name_or_path, home)
        return None if path is None else self._load(_workflows(), path, self._root_of(path))

    def home_of(self, path: Path) -> Path:
        """The folder that the paths in a template count from: its root's, else its own."""
        root = self._root_of(path)
        return root.path if root is not None else path.absolute().parent

    def edited_workflow(self, path: Path) -> LoadedWorkflow:
        """The same for a workflow (E-WORKFLOW-UNKNOWN)."""
        kind = _workflows()
        path = _existing(kind, path.expanduser(), str(path), "The edited template is read from there.")
        return self._load(kind, path, self._root_of(path), any_name=True)

    def is_agent(self, word: str) -> bool:
        """Whether a word names an agent, valid or not, or is the path of a template file."""
        if _is_path(word):
            return " " not in word and word.endswith(ENDINGS) and Path(word).is_file()
        return self._find(_AGENTS, word) is not None

    def names(self, folder: Literal["agents", "workflows"] = "agents") -> list[str]:
        """Every name, sorted, without opening a file: for suggestions and completion."""
        return sorted({name for root in self._roots for name in _stems(root.path / folder)})

    # -- what workflows name ------------------------------------------------------------------------------------

    def agent_inputs(self, name: str) -> Mapping[str, InputSpec]:
        """The inputs that an agent declares. Raises as `agent` does."""
        return self.agent(name).template.inputs

    def workflow_path(self, word: str, home: Path) -> Path | None:
        """The file of a workflow that a step names; None where there is none in `home`, or in the catalog."""
        if _is_path(word):
            path = home / word
            inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(home))
            return path if inside and path.is_file() else None
        root = self._find(_workflows(), word)
        return both_endings(root.path / "workflows", word)[0] if root is not None else None

    def workflow_inputs(self, path: Path, others: Others) -> Mapping[str, InputSpec]:
        """The inputs that a workflow declares; `others` are those under check. Raises DefinitionError."""
        return self._load(_workflows(), path, self._root_of(path), others).template.inputs

    def _find(self, kind: _Kind[T], name: str) -> Root | None:
        if len(name) > 64 or not re.fullmatch(NAME, name):
            return None
        return next((root for root in self._roots if both_endings(root.path / kind.folder, name)), None)

    def _load_named(self, kind: _Kind[T], word: str) -> Loaded[T]:
        if _is_path(word):
            why = "A word with a `/` or the ending of a YAML file is a path."
            path = _existing(kind, Path(word).expanduser(), word, why)
            return self._load(kind, path, self._root_of(path))
        root = self._find(kind, word)
        if root is None:
            raise self._unknown(kind, word)
        return self._load_in(kind, root, word)

    def _unknown(self, kind: _Kind[T], word: str) -> UsageError:
        names = sorted({name for root in self._roots for name in _stems(root.path / kind.folder)})
        why = f"There are: {listed(names, 20)}." if names else f"There are no {kind.folder}."
        fix = suggestion(word, names, f"See `agentcli {kind.folder if kind.word == 'agent' else 'workflow'} list`.")
        return UsageError(f"E-{kind.word.upper()}-UNKNOWN", f"There is no {kind.word} `{word}`.", why=why, fix=fix)

    def _load_in(self, kind: _Kind[T], root: Root, name: str) -> Loaded[T]:
        first, *others = both_endings(root.path / kind.folder, name)
        if others:
            problems = Problems(FAMILY, str(first))
            why = f"{others[0]} defines it as well."
            problems.add("DUPLICATE-NAME", f"Two files define `{name}`.", why=why, fix="Remove one of them.", at=(1, 1))
            problems.raise_any()
        return self._load(kind, first, root)

    def _load(
        self, kind: _Kind[T], path: Path, root: Root | None, others: Others | None = None, *, any_name: bool = False
    ) -> Loaded[T]:
        inside = root.path if root is not None and root.source == "project" else None
        text = read_definition(path, FAMILY, inside=inside)
        source = read(text, str(path), FAMILY)
        problems = Problems(FAMILY, str(path))
        template = validate(kind.model, source, problems)
        known = replace(self._known, others=others or self._others(kind))
        check = Check(source, problems, known, self.home_of(path))
        kind.check(template, template.name if any_name else path.stem, check)
        problems.raise_any()
        warnings = tuple(warnings_about(source, FAMILY))
        return Loaded(template, path, text, root.source if root else "path", warnings)

    def _others(self, kind: _Kind[T]) -> Others | None:
        if kind is _AGENTS:
            return None
        from agentcli.catalog.others import Others

        return Others(self)

    def _root_of(self, path: Path) -> Root | None:
        """The root that a file given by its path belongs to. In a project, whatever folder it is in."""
        absolute = Path(os.path.normpath(path.absolute()))
        return next((root for root in self._roots if absolute.is_relative_to(root.path)), None)

    def _listing(self, kind: _Kind[T]) -> Listing[T]:
        roots: dict[str, list[Root]] = {}
        for root in self._roots:
            for name in _stems(root.path / kind.folder):
                roots.setdefault(name, []).append(root)
        valid: list[Listed[T]] = []
        broken: list[Broken] = []
        for name, (nearest_root, *farther) in sorted(roots.items()):
            shadowed = tuple(path for root in farther for path in both_endings(root.path / kind.folder, name))
            try:
                found = self._load_in(kind, nearest_root, name)
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
