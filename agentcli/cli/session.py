"""What a command is given: the environment, the global options, two printers, and the way into the workbench."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentcli.cli.environment import Environment

if TYPE_CHECKING:
    import typer

    from agentcli.cli.render.printer import Color, Printer
    from agentcli.errors import ErrorInfo
    from agentcli.workbench.wiring import Options, Workbench


@dataclass
class Flags:
    """The global options, wherever on the command line they stood."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: Color | None = None
    project: Path | None = None
    profile: str | None = None
    trust: bool = False


@dataclass
class Session:
    """One invocation. `exit_code` is what it ends with where no error says otherwise."""

    env: Environment
    flags: Flags = field(default_factory=Flags)
    exit_code: int = 0

    @cached_property
    def out(self) -> Printer:
        """Standard output: results."""
        from agentcli.cli.render.printer import printer_of

        return printer_of(self.env, self.env.stdout, self.env.stdout_tty, self.flags.color or "auto")

    @cached_property
    def err(self) -> Printer:
        """Standard error: everything else."""
        from agentcli.cli.render.printer import printer_of

        return printer_of(self.env, self.env.stderr, self.env.stderr_tty, self.flags.color or "auto", expendable=True)

    def note(self, text: str) -> None:
        """A remark on standard error that --quiet and --json leave out."""
        if not (self.flags.quiet or self.flags.json):
            self.err.line(self.err.style(text, "dim"))

    def path(self, given: Path | str) -> Path:
        """A path as typed, against the folder of this environment; `~` is the home folder."""
        return self.env.cwd / Path(given).expanduser()

    def options(
        self,
        *,
        workspace: Path | None = None,
        model: Sequence[str] = (),
        yes: bool = False,
        allow: Sequence[str] = (),
        private: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Options:
        """What a use case is given of this command line; `settings` are by dotted name."""
        from agentcli.workbench.wiring import Options

        flags = {**(settings or {}), **({"network.private": list(private)} if private else {})}
        return Options(
            cwd=self.env.cwd,
            environ=self.env.environ,
            project=self.path(self.flags.project) if self.flags.project else None,
            profile=self.flags.profile,
            trust=self.flags.trust,
            workspace=self.path(workspace) if workspace else None,
            model=list(model) or None,
            yes=yes,
            allow=list(allow),
            flags=flags,
        )

    def open(self, options: Options | None = None) -> Workbench:
        """The workbench (a context: it wants to be closed). What it noticed in the settings is said on stderr."""
        from agentcli.workbench.wiring import open_workbench

        bench = open_workbench(options or self.options())
        self.flags.color = self.flags.color or bench.settings.color
        if not self.flags.quiet:
            self.warn(bench.warnings)
        return bench

    def warn(self, warnings: Iterable[ErrorInfo]) -> None:
        """What stops nothing and should be known, on standard error."""
        from agentcli.cli.render.problems import print_error

        for warning in warnings:
            print_error(self.err, warning, label="warning")


def session_of(ctx: typer.Context) -> Session:
    """The session that this command line runs in."""
    return cast("Session", ctx.obj)
