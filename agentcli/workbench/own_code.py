"""The code of people's own tools for one run: whose it is, whether it may run, and the worker that runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agentcli.core.agents import PYTHON_TOOL, ToolUse
from agentcli.errors import AgentcliError, DeniedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agentcli.catalog.catalog import Listed
    from agentcli.core.agents import AgentTemplate
    from agentcli.core.tools import ToolSpec
    from agentcli.definitions.tool_files import ToolFile
    from agentcli.engine.ports import Tool
    from agentcli.tools.gates import Gate
    from agentcli.tools.own import OwnTools, Wanted
    from agentcli.tools.packages import PackageTool
    from agentcli.tools.registry import Selection, ToolRegistry
    from agentcli.tools.registry import ToolUse as Use
    from agentcli.tools.worker.crew import Crew, Loaded
    from agentcli.workbench.wiring import Workbench

MOST_FILES: Final = 50
"""Files of the project that the tools import, beside their own, whose text is kept in the manifest."""


class OwnCode:
    """The worker of one run, with nothing in it until `load`."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._crew: Crew | None = None
        self._log: Any = None
        self._tools: OwnTools | None = None
        self._parts: dict[str, OwnCode] = {}
        self.sources: tuple[dict[str, str], ...] = ()
        """The texts of the files that took part, by their path: what a manifest keeps of them."""

    def part(self, key: str) -> OwnCode:
        """The code of one part of the run, which has a worker of its own: one agent of a workflow."""
        return self._parts.setdefault(key, OwnCode(self._bench)) if key else self

    async def load(
        self, uses: Iterable[ToolUse], template: Path, folder: Path, recorded: Sequence[ToolSpec] = ()
    ) -> None:
        """Start the worker with the code of those uses that are no built-in tools; without any, do nothing.

        `template` is the agent's file, `folder` the workspace, `recorded` the specs that a run goes on under.
        Raises DeniedError E-TOOL-UNTRUSTED before anything is executed; DefinitionError with file and line.
        """
        from agentcli.tools.registry import BUILT_IN

        others = [use for use in uses if use.name not in BUILT_IN]
        if not others:
            return
        from agentcli.tools.own import OwnTools, refuse_changed

        wanted = self._wanted(others, template)
        self._crew = self._new_crew(wanted, folder)
        loaded = await self._crew.loaded()
        for file in wanted.files.values():
            refuse_changed(file, loaded)
        self.sources = tuple(_sources(wanted, loaded))
        tools = OwnTools(wanted, loaded, self._crew, recorded)
        for use in others:
            tools.tools_of(use)  # what does not fit is told here, before anything is written
        self._tools = tools

    def tools_of(self, use: Use) -> Sequence[tuple[Tool, Gate]]:
        """See `OtherTools`. Raises DefinitionError E-TEMPLATE-UNKNOWN-TOOL where nothing was loaded for it."""
        if self._tools is None:
            from agentcli.tools.registry import unknown_tool

            raise unknown_tool(use.name)
        return self._tools.tools_of(use)

    async def aclose(self) -> None:
        """End the worker, and all that it started; and those of the parts."""
        for part in self._parts.values():
            await part.aclose()
        if self._crew is not None:
            await self._crew.aclose()
        if self._log is not None:
            self._log.close()

    def _wanted(self, uses: Sequence[ToolUse], template: Path) -> Wanted:
        from agentcli.definitions.tool_files import PythonUse, read_tool_file
        from agentcli.tools.own import Wanted, refuse_clash
        from agentcli.tools.registry import unknown_tool

        files: dict[str, ToolFile] = {}
        packages: dict[str, PackageTool] = {}
        home, trusted = home_of(self._bench, template)
        for use in uses:
            if use.name == PYTHON_TOOL:
                python = PythonUse.read(use.options)
                if not trusted:
                    raise _untrusted(python.path, home)
                files[python.path] = read_tool_file(home, python)
                refuse_clash(files[python.path])
            elif (tool := self._bench.package_tools.get(use.name)) is not None:
                packages[use.name] = tool
            else:
                raise unknown_tool(use.name)
        return Wanted(str(home), files, packages)

    def _new_crew(self, wanted: Wanted, folder: Path) -> Crew:
        from agentcli.tools.worker.crew import Crew
        from agentcli.tools.worker.environment import worker_environ
        from agentcli.tools.worker.log import ToolLog
        from agentcli.tools.worker.process import Surroundings

        self._log = ToolLog(self._bench.journal_folder / "tools.log", self._bench.redactor.stream())
        environ = worker_environ(self._bench.options.environ, self._bench.settings.tool_environment or ())
        return Crew(wanted.to_json(), Surroundings(environ, folder, self._log.write))


@asynccontextmanager
async def own_code(bench: Workbench) -> AsyncIterator[OwnCode]:
    """The code of one run; nothing that it started is left afterwards, however often the run is cancelled meanwhile."""
    from agentcli.engine.lifecycle import to_the_end

    code = OwnCode(bench)
    try:
        yield code
    finally:
        await to_the_end(code.aclose())


def selected(registry: ToolRegistry, uses: Sequence[ToolUse], tool_seconds: float, code: OwnCode) -> Selection:
    """The tools that a plan uses, each behind its gate. Raises DefinitionError."""
    from agentcli.tools.gates import Gates

    # A call that would wait for most of its time is better refused: the model can do something else meanwhile.
    return registry.select(uses, code, Gates(patience=min(Gates().patience, tool_seconds / 2)))


def home_of(bench: Workbench, template: Path) -> tuple[Path, bool]:
    """The folder that a template's Python files are named from, and whether what lies there may run.

    In the project that is this user's trust; the user's own templates need none. A file outside of both, named on the
    command line, may come from anywhere: only `--trust` lets its code run.
    """
    if bench.project is not None and _is_below(template, bench.project.root):
        return bench.project.root, bench.loaded.trusted
    if _is_below(template, bench.places.config):
        return bench.places.config, True
    return template.absolute().parent, bench.options.trust


def static_files(bench: Workbench, agents: Iterable[Listed[AgentTemplate]]) -> Iterator[ToolFile | AgentcliError]:
    """Every file of tools that these agents use, read without running it; an error in place of one that is wrong."""
    from agentcli.definitions.tool_files import PythonUse, read_tool_file

    seen: set[Path] = set()
    for item in agents:
        home, _ = home_of(bench, item.path)
        for use in item.template.tools:
            if use.name != PYTHON_TOOL:
                continue
            try:
                file = read_tool_file(home, PythonUse(PythonUse.read(use.options).path))
            except AgentcliError as error:
                yield error
                continue
            if file.place not in seen:
                seen.add(file.place)
                yield file


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _sources(wanted: Wanted, loaded: Loaded) -> Iterator[dict[str, str]]:
    """The files that the template names, then those of theirs that they import."""
    from agentcli.definitions.files import read_definition

    named = {file.place.resolve() for file in wanted.files.values()}
    for file in wanted.files.values():
        yield {"name": file.path, "text": file.text}
    home = Path(wanted.home).resolve()
    for path in [path for path in map(Path, loaded.files) if path.resolve() not in named][:MOST_FILES]:
        try:
            text = read_definition(path, "E-TEMPLATE", inside=home)
        except AgentcliError:
            continue  # what was imported and cannot be read as text is no source
        yield {"name": str(path.resolve().relative_to(home)), "text": text}


def _untrusted(path: str, home: Path) -> DeniedError:
    return DeniedError(
        "E-TOOL-UNTRUSTED",
        f"The Python of `{path}` does not run: nobody here has trusted it yet.",
        why="It would run with your rights, and it comes from a folder that may be anybody's.",
        fix=f"Read it; then `agentcli trust {home}`, or pass `--trust` for this once.",
    )
