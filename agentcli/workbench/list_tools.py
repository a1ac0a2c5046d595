"""The tools there are: built in, of installed packages, and in the Python files that agents use. None of it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.core.agents import PYTHON_TOOL, ToolUse
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.definitions.tool_files import PythonUse, ToolFile, read_tool_file
from agentcli.errors import AgentcliError, ErrorInfo, UsageError
from agentcli.tools.registry import unknown_tool
from agentcli.workbench.own_code import home_of, static_files

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedAgent
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class KnownTools:
    """What each tool says of itself, as far as text tells; and what could not be read."""

    specs: tuple[ToolSpec, ...]
    files: tuple[ToolFile, ...]
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
    files: list[ToolFile] = []
    problems = packages.clashes()
    for file in static_files(bench):
        if isinstance(file, AgentcliError):
            problems.append(file.info)
        else:
            files.append(file)
            specs += [tool.spec for tool in file.tools]
    return KnownTools(tuple(specs), tuple(files), tuple(problems))


def use_of(bench: Workbench, name: str) -> tuple[ToolUse, str]:
    """How one tool is used by itself, and the Python file that it is in; no file for those that are in none.

    Raises UsageError E-CALL-AMBIGUOUS, DefinitionError E-TEMPLATE-UNKNOWN-TOOL.
    """
    if name in bench.tools.names():
        return ToolUse(name=name), ""
    known = known_tools(bench)
    found = known.named(name)
    if not found:
        raise unknown_tool(name)
    if len(found) > 1:
        raise UsageError(
            "E-CALL-AMBIGUOUS",
            f"There are {len(found)} tools `{name}`.",
            why=f"They come from {' and from '.join(spec.source for spec in found)}.",
            fix="Give one of them another name: `@tool(name=…)`.",
        )
    file = next((file for file in known.files if any(tool.spec is found[0] for tool in file.tools)), None)
    if file is None:
        return ToolUse(name=name), ""
    return ToolUse(name=PYTHON_TOOL, options={"path": file.path, "only": [name]}), str(file.place)
