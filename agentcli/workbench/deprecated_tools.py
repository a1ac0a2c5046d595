"""Which tools of an agent are on their way out, by what their text says: nothing of them is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agentcli.core.agents import ToolUse
from agentcli.core.tools import ToolSpec
from agentcli.errors import AgentcliError, ErrorInfo, sentence

if TYPE_CHECKING:
    from agentcli.catalog.catalog import Listed, LoadedAgent
    from agentcli.core.agents import AgentTemplate
    from agentcli.workbench.wiring import Workbench


def deprecation(spec: ToolSpec) -> ErrorInfo | None:
    """The warning about a tool, in its author's words; None where it stays."""
    if not spec.deprecated:
        return None
    what = f"The tool `{spec.name}` is deprecated: {sentence(spec.deprecated)}"
    return ErrorInfo("W-TOOL-DEPRECATED", what, fix=f"See `agentcli tools show {spec.name}`.")


def deprecations(bench: Workbench, agent: Listed[AgentTemplate] | LoadedAgent) -> Iterator[ErrorInfo]:
    """A warning for each deprecated tool that the agent uses, at its place in the template."""
    for index, use in enumerate(agent.template.tools):
        for spec in _specs(bench, use, agent.path):
            if (info := deprecation(spec)) is not None:
                line, column = _place(agent.path, index)
                yield replace(info, file=str(agent.path), line=line, column=column)


def deprecations_of(bench: Workbench, names: Iterable[str | None]) -> Iterator[ErrorInfo]:
    """The same for agents by name, each once; of one that is not here or is broken there is nothing to say."""
    for name in dict.fromkeys(names):
        if name is not None and bench.catalog.is_agent(name):
            try:
                yield from deprecations(bench, bench.catalog.agent(name))
            except AgentcliError:
                continue


def _specs(bench: Workbench, use: ToolUse, template: Path) -> list[ToolSpec]:
    from agentcli.definitions.tool_files import PythonUse, read_tool_file
    from agentcli.tools.registry import BUILT_IN, built_in
    from agentcli.workbench.own_code import home_of

    if use.python_file is not None:
        home, _ = home_of(bench, template)
        return [tool.spec for tool in read_tool_file(home, PythonUse.read(use.options)).tools]
    if use.name in BUILT_IN:
        return [built_in(use.name)]
    tool = bench.package_tools.get(use.name)
    return [] if tool is None else [tool.spec()]


def _place(template: Path, index: int) -> tuple[int, int]:
    from agentcli.catalog.catalog import FAMILY
    from agentcli.definitions.files import read_definition
    from agentcli.definitions.yaml_source import read

    return read(read_definition(template, FAMILY), str(template), FAMILY).where(("tools", index))
