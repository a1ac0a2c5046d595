"""Scaffold a project from a template, trust it, and verify what was written by loading all of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from agentcli.catalog.builtin import templates_root
from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.config.load import load_settings
from agentcli.config.places import Places
from agentcli.config.trust import trust
from agentcli.core.values import value
from agentcli.definitions.nearest import listed, suggestion
from agentcli.errors import StorageError, UsageError, sentence
from agentcli.tools.registry import BUILT_IN
from agentcli.workbench.file_schema import SchemaName, file_schema

DEFAULT_TEMPLATE = "full"

_PLACEHOLDER = "@PROJECT@"
_DOT = "dot-"
"""How the template's files spell the dot of `.gitignore`, so that they mean nothing where they lie."""
_SCHEMAS: tuple[SchemaName, ...] = ("agent", "workflow", "config")
_FIRST = {
    "full": 'agentcli run "According to docs/refunds.md, how many days is the refund period?"',
    "minimal": 'agentcli run "Which files does this project have?"',
    "workflow": "agentcli workflow run triage",
}
"""What is worth typing first in a project of each template."""
_DESCRIPTIONS = {
    "full": "agents, a workflow, a handbook to ask about, a Python function, permissions and a profile",
    "minimal": "settings and one agent",
    "workflow": "messages of customers, sorted to desks and read into a table by a workflow",
}


@value(frozen=True, slots=True)
class ProjectTemplate:
    """What `init --template` can make."""

    name: str
    description: str


@value(frozen=True, slots=True)
class InitResult:
    """What was made. `files` are relative to `root`, in order; `next_steps` are command lines for the user to type."""

    root: Path
    name: str
    template: str
    files: tuple[Path, ...]
    agents: tuple[str, ...]
    workflows: tuple[str, ...]
    next_steps: tuple[str, ...]


def list_project_templates() -> list[ProjectTemplate]:
    """The templates of projects, the default first."""
    names = sorted(folder.name for folder in _templates().iterdir() if folder.is_dir())
    names.sort(key=lambda name: name != DEFAULT_TEMPLATE)
    return [ProjectTemplate(name, _DESCRIPTIONS.get(name, "")) for name in names]


def init_project(target: Path, template: str, force: bool, places: Places) -> InitResult:
    """Write a project into `target`, trust it, load everything in it.

    Files that are there are never overwritten without `force`, and then only the template's own. Raises UsageError
    (E-INIT-TEMPLATE, E-INIT-TARGET, E-INIT-CONFLICT), StorageError E-INIT-STORAGE, and DefinitionError where the
    project does not load, as may be with files of its own among the template's.
    """
    root = target.expanduser().absolute()
    name = _project_name(root)
    files = _contents(template, name)
    _check_target(root, files, force)
    try:
        for path, text in files.items():
            _write(root, path, text)
    except OSError as error:
        why = sentence(error.strerror or str(error))
        fix = "Free some space, or choose a folder that you can write to."
        raise StorageError("E-INIT-STORAGE", f"The project cannot be written to {root}.", why=why, fix=fix) from error
    trust(places, root)
    agents, workflows = _verify(root, places)
    shown = tuple(path for path in files if path.parts[0] != ".agentcli")
    return InitResult(root, name, template, shown, agents, workflows, _next_steps(root, template))


def _templates() -> Path:
    return templates_root() / "projects"


def _project_name(root: Path) -> str:
    """The folder's name as a plain word: it goes into YAML and Markdown."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", root.resolve().name).strip("-.") or "project"


def _contents(template: str, name: str) -> dict[Path, str]:
    """Every file of the new project by its relative path: the template's, then the schemas that editors read."""
    names = [one.name for one in list_project_templates()]
    if template not in names:
        fix = suggestion(template, names, "See `agentcli init --list`.")
        what = f"There is no project template `{template}`."
        raise UsageError("E-INIT-TEMPLATE", what, why=f"There are: {listed(names)}.", fix=fix)
    folder = _templates() / template
    files: dict[Path, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        relative = path.relative_to(folder)
        plain = relative.name.removeprefix(_DOT)
        place = relative if plain == relative.name else relative.with_name(f".{plain}")
        files[place] = path.read_text(encoding="utf-8").replace(_PLACEHOLDER, name)
    for schema in _SCHEMAS:
        files[Path(".agentcli/schemas", f"{schema}.json")] = json.dumps(file_schema(schema), indent=1) + "\n"
    return files


def _check_target(root: Path, files: Mapping[Path, str], force: bool) -> None:
    """Nothing of the user's is in the way, and no link leads what is written out of the folder."""
    if os.path.lexists(root) and not root.is_dir():
        fix = "Choose another folder."
        raise UsageError("E-INIT-TARGET", f"{root} is not a folder.", why="A project is a folder of files.", fix=fix)
    real = root.resolve()
    for path in files:
        if not (root / path).parent.resolve().is_relative_to(real) or (root / path).is_symlink():
            why = f"{path} is reached through a link."
            raise UsageError(
                "E-INIT-TARGET", "A file would be written outside the project.", why=why, fix="Remove the link."
            )
    conflicts = [path for path, text in files.items() if path.parts[0] != ".agentcli" and _differs(root / path, text)]
    folders = [path for path in conflicts if (root / path).is_dir()]
    if folders or (conflicts and not force):
        why = f"These are there: {', '.join(str(path) for path in (folders or conflicts))}."
        fix = "Move them away." if folders else "Choose another folder, or overwrite them with --force."
        raise UsageError("E-INIT-CONFLICT", f"{root} has files of the project's names already.", why=why, fix=fix)


def _differs(path: Path, text: str) -> bool:
    """Whether something else than this text is there."""
    try:
        return path.read_bytes() != text.encode()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _write(root: Path, path: Path, text: str) -> None:
    """One file, whole or not at all, with the permissions that a new file would have."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _verify(root: Path, places: Places) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Load the settings and every template; the names of the agents and workflows. Raises DefinitionError."""
    load_settings(places, root, {}, trusted=True)
    roots = [Root(root, "project"), Root(places.config, "user"), Root(templates_root(), "built-in")]
    catalog = Catalog(roots, Known(tools=frozenset(BUILT_IN)))
    agents, workflows = catalog.agent_listing(), catalog.workflow_listing()
    for broken in (*agents.broken, *workflows.broken):
        if broken.source == "project":
            raise broken.error
    return (
        tuple(item.name for item in agents.valid if item.source == "project"),
        tuple(item.name for item in workflows.valid if item.source == "project"),
    )


def _next_steps(root: Path, template: str) -> tuple[str, ...]:
    here = root == Path.cwd()
    steps = [] if here else [f"cd {_quoted(root)}"]
    return (*steps, _FIRST[template], "agentcli runs show last")


def _quoted(path: Path) -> str:
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(path))
