"""The tools there are: built in, of installed packages, and in the Python files that agents use. None of it is run."""

from __future__ import annotations

from collections.abc import Sequence
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

    def apart(self) -> tuple[list[ToolSpec], list[ErrorInfo]]:
        """The tools whose name stands for no other, and what is to be said of the names that stand for two."""
        found = [self.named(name) for name in dict.fromkeys(spec.name for spec in self.specs)]
        return [named[0] for named in found if len(named) == 1], [ambiguous(two).info for two in found if len(two) > 1]


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
    agents = bench.catalog.agent_listing()
    files: list[ToolFile] = []
    problems = packages.clashes() + [broken.error.info for broken in agents.broken]  # whose tools are not known
    for file in static_files(bench, agents.valid):
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
        raise ambiguous(found)
    file = next((file for file in known.files if any(tool.spec is found[0] for tool in file.tools)), None)
    if file is None:
        return ToolUse(name=name), ""
    return ToolUse(name=PYTHON_TOOL, options={"path": file.path, "only": [name]}), str(file.place)


def ambiguous(found: Sequence[ToolSpec]) -> UsageError:
    """Several tools of one name: which one is meant must not depend on the order of files."""
    return UsageError(
        "E-CALL-AMBIGUOUS",
        f"There are {len(found)} tools `{found[0].name}`.",
        why=f"They come from {' and from '.join(spec.origin for spec in found)}.",
        fix="Give one of them another name: `@tool(name=…)`.",
    )
