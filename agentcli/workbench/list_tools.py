"""The tools there are: built in, of installed packages, and in the Python files that agents use. None of it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentcli.core.tools import ToolSpec
from agentcli.definitions.tool_files import PythonUse, read_tool_file
from agentcli.errors import AgentcliError, ErrorInfo
from agentcli.workbench.own_code import home_of, static_files

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedAgent
    from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True, slots=True)
class KnownTools:
    """What each tool says of itself, as far as text tells; and what could not be read."""

    specs: tuple[ToolSpec, ...]
    problems: tuple[ErrorInfo, ...]

    def named(self, name: str) -> list[ToolSpec]:
        """The tools of this name: files of two agents may each have one."""
        return [spec for spec in self.specs if spec.name == name]


def names_of(bench: Workbench, loaded: LoadedAgent) -> list[str]:
    """The tools of an agent by name; those of its Python files with the file."""
    home, _ = home_of(bench, loaded.path)
    names: list[str] = []
    for use in loaded.template.tools:
        if use.python_file is None:
            names.append(use.name)
        else:
            file = read_tool_file(home, PythonUse.read(use.options))
            names += [f"{tool.spec.name} ({file.path})" for tool in file.tools]
    return names


def known_tools(bench: Workbench) -> KnownTools:
    """Everything that agents here can be given."""
    specs = list(bench.tools.specs())
    packages = bench.package_tools
    found = (packages.get(name) for name in packages.names())
    specs += [tool.spec() for tool in found if tool is not None]
    problems = packages.clashes()
    for file in static_files(bench):
        if isinstance(file, AgentcliError):
            problems.append(file.info)
        else:
            specs += [tool.spec for tool in file.tools]
    return KnownTools(tuple(specs), tuple(problems))
