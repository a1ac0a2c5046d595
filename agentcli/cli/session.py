"""What a command is given: the environment, the global options, two printers, and the way into the workbench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentcli.cli.environment import Environment

if TYPE_CHECKING:
    import typer

    from agentcli.cli.render.printer import Color, Printer
    from agentcli.workbench.wiring import Workbench


@dataclass
class Flags:
    """The global options, wherever on the command line they stood."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: Color = "auto"
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

        return printer_of(self.env, self.env.stdout, self.env.stdout_tty, self.flags.color)

    @cached_property
    def err(self) -> Printer:
        """Standard error: everything else."""
        from agentcli.cli.render.printer import printer_of

        return printer_of(self.env, self.env.stderr, self.env.stderr_tty, self.flags.color)

    def note(self, text: str) -> None:
        """A remark on standard error that --quiet and --json leave out."""
        if not (self.flags.quiet or self.flags.json):
            self.err.line(self.err.style(text, "dim"))

    def path(self, given: Path | str) -> Path:
        """A path as typed, against the folder of this environment; `~` is the home folder."""
        return self.env.cwd / Path(given).expanduser()

    def open(
        self,
        *,
        workspace: Path | None = None,
        model: Sequence[str] = (),
        yes: bool = False,
        allow: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Workbench:
        """The workbench for these options; warnings found on the way are printed. Close it (it is a context)."""
        from agentcli.workbench.wiring import Options, open_workbench

        return open_workbench(
            Options(
                project=self.path(self.flags.project) if self.flags.project else None,
                profile=self.flags.profile,
                trust=self.flags.trust,
                workspace=self.path(workspace) if workspace else None,
                model=list(model) or None,
                yes=yes,
                allow=list(allow),
                flags=dict(settings or {}),
                environ=self.env.environ,
                cwd=self.env.cwd,
            )
        )


def session_of(ctx: typer.Context) -> Session:
    """The session that this command line runs in."""
    return cast("Session", ctx.obj)
