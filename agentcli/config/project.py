"""The project that a command belongs to, and the folder its tools work in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agentcli.config.files import find_file
from agentcli.core.values import value
from agentcli.definitions.files import ENDINGS
from agentcli.errors import UsageError

STEM = "agentcli"


@value(frozen=True, slots=True)
class Project:
    """A folder with an `agentcli.yaml`. `name` is the folder's; the settings may say another."""

    root: Path
    file: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.name

    @property
    def state(self) -> Path:
        """Where the journal and generated files are kept; no tool sees it."""
        return self.root / ".agentcli"


def find_project(start: Path, explicit: Path | None = None) -> Project | None:
    """The project named (its folder or its file), else the nearest `agentcli.yaml` upwards from `start`, else None.

    Raises UsageError E-PROJECT-UNKNOWN for a named one that is not there, DefinitionError where a folder has two files.
    """
    if explicit is not None:
        return _named(explicit)
    start = start.absolute()
    for folder in (start, *start.parents):
        if file := find_file(folder, STEM):
            return Project(folder, file)
    return None


def workspace_of(explicit: Path | None, project: Project | None, cwd: Path, environ: Mapping[str, str]) -> Path:
    """The folder that tools may work in: the one named, else the project's, else the current one.

    The home folder and `/` must be named. Raises UsageError E-WORKSPACE-UNKNOWN or E-WORKSPACE-TOO-WIDE.
    """
    if explicit is not None:
        folder = cwd / explicit.expanduser()
        if not folder.is_dir():
            what, fix = f"There is no folder `{explicit}`.", "Name a folder with --workspace."
            raise UsageError("E-WORKSPACE-UNKNOWN", what, why="Tools need a folder to work in.", fix=fix)
        return folder
    folder = project.root if project is not None else cwd.absolute()
    home = environ.get("HOME")
    if folder == Path(folder.anchor) or (home and folder.resolve() == Path(home).resolve()):
        why = "Tools would see everything in it."
        fix = f"Change to a smaller folder, or name it: `--workspace {folder}`."
        raise UsageError("E-WORKSPACE-TOO-WIDE", f"{folder} is too wide for a workspace.", why=why, fix=fix)
    return folder


def _named(path: Path) -> Project:
    absolute = path.expanduser().absolute()
    if absolute.is_file() and absolute.suffix in ENDINGS and absolute.stem == STEM:
        return Project(absolute.parent, absolute)
    if absolute.is_dir() and (file := find_file(absolute, STEM)):
        return Project(absolute, file)
    why = "There is no agentcli.yaml in it." if absolute.is_dir() else "There is no such folder."
    fix = f"Make one with `agentcli init {path}`, or name another with --project."
    raise UsageError("E-PROJECT-UNKNOWN", f"{path} is not a project.", why=why, fix=fix)
