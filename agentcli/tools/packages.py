"""Tools that installed packages bring, by the entry-point group `agentcli.tools`. Nothing of them is imported here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.definitions.tool_files import tools_in
from agentcli.errors import DefinitionError, ErrorInfo

GROUP: Final = "agentcli.tools"


@value(frozen=True, slots=True)
class PackageTool:
    """An entry point: `weather = "my_package.tools:weather"`. `package` is the distribution and its version."""

    name: str
    module: str
    attribute: str
    package: str

    @property
    def source(self) -> str:
        """As listings tell it."""
        return f"package {self.package}"

    def spec(self) -> ToolSpec:
        """What the package's source text says of the tool; little, where that is not found without importing it."""
        file = _file_of(self.module)
        try:
            found = [] if file is None else list(tools_in(file.read_text(encoding="utf-8"), str(file), self.source))
        except (DefinitionError, OSError, ValueError):
            found = []
        known = next((tool.spec for tool in found if tool.spec.name == self.name), None)
        unread = ToolSpec(self.name, "", {"type": "object"}, "irreversible", subject_kind="text", source=self.source)
        return known or unread


class PackageTools:
    """The tools of the installed packages, by name, and what is wrong among them."""

    def __init__(self, tools: Iterable[PackageTool], taken: Iterable[str]) -> None:
        by_name: dict[str, list[PackageTool]] = defaultdict(list)
        for tool in tools:
            by_name[tool.name].append(tool)
        self._taken = frozenset(taken)
        self._tools = dict(sorted(by_name.items()))

    @classmethod
    def installed(cls, taken: Iterable[str]) -> PackageTools:
        """Those of this environment; `taken` are the names of built-in tools."""
        from importlib.metadata import entry_points

        found = [
            PackageTool(entry.name, entry.module, entry.attr, f"{entry.dist.name} {entry.dist.version}")
            for entry in entry_points(group=GROUP)
            if entry.dist is not None
        ]
        return cls(found, taken)

    def names(self) -> list[str]:
        """The names that a template can use."""
        return [name for name, tools in self._tools.items() if name not in self._taken and len(tools) == 1]

    def get(self, name: str) -> PackageTool | None:
        """The tool; None where there is none. Raises DefinitionError E-TOOL-CLASH where it is not the only one."""
        tools = self._tools.get(name, [])
        if len(tools) > 1 or (tools and name in self._taken):
            info = self._clash(name)
            raise DefinitionError(info.code, info.what, why=info.why, fix=info.fix)
        return tools[0] if tools else None

    def clashes(self) -> list[ErrorInfo]:
        """What is wrong among them, each with who brings it."""
        return [self._clash(name) for name, tools in self._tools.items() if name in self._taken or len(tools) > 1]

    def _clash(self, name: str) -> ErrorInfo:
        who = " and ".join(tool.package for tool in self._tools[name])
        return clash(name, f"It is brought by {who}.", built_in=name in self._taken)


def clash(name: str, why: str, *, built_in: bool) -> ErrorInfo:
    """Two tools of one name."""
    what = f"The tool `{name}` has the name of a built-in one." if built_in else f"There are two tools `{name}`."
    return ErrorInfo("E-TOOL-CLASH", what, why, "Rename it: `@tool(name=…)`, or remove the package.")


def _file_of(module: str) -> Path | None:
    """The source file of a module, found as importing would find it, without importing anything on the way."""
    from importlib.machinery import PathFinder

    places = None
    spec = None
    for number in range(1, module.count(".") + 2):
        spec = PathFinder.find_spec(".".join(module.split(".")[:number]), places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
