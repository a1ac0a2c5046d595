"""The options that work before and after every subcommand."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from agentcli import __version__
from agentcli.cli.light_params import light
from agentcli.cli.session import session_of


def _remember(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    if value and ctx.obj is not None:
        setattr(session_of(ctx).flags, param.name, value)
    return value


def _print_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        session_of(ctx).out.line(f"agentcli {__version__}")
        raise typer.Exit


def _print_help(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        session_of(ctx).out.line(ctx.get_help())
        raise typer.Exit


def _flag(*names: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, expose_value=False, **{"callback": _remember, **more})


def _declare(
    json: Annotated[bool, _flag("--json", text="Print JSON, one object a line: the events, or the items.")] = False,
    quiet: Annotated[bool, _flag("--quiet", "-q", text="Print only the result.")] = False,
    verbose: Annotated[bool, _flag("--verbose", "-v", text="Print more: arguments, results, stack traces.")] = False,
    color: Annotated[
        Literal["auto", "always", "never"] | None,
        _flag("--color", metavar="WHEN", text="Colour: auto (on a terminal, unless NO_COLOR is set), always or never."),
    ] = None,
    project: Annotated[
        Path | None,
        _flag("--project", metavar="DIR", text="The project, instead of the nearest agentcli.yaml upwards."),
    ] = None,
    profile: Annotated[
        str | None, _flag("--profile", metavar="NAME", text="The profile of the settings, such as dev or prod.")
    ] = None,
    trust: Annotated[bool, _flag("--trust", text="Trust the project for this command (for CI).")] = False,
    version: Annotated[
        bool, _flag("--version", text="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    show_help: Annotated[
        bool, _flag("--help", "-h", text="Print this help.", callback=_print_help, is_eager=True)
    ] = False,
) -> None:
    pass


@cache
def global_params() -> tuple[Any, ...]:
    """The options as parameters that any command can be given; built once a process."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(add_help_option=False)(_declare)
    return tuple(light(param) for param in typer.main.get_command(app).params)


def leading_globals(args: list[str]) -> int:
    """How many of the first words are global options with their values."""
    takes_value = {name: not param.is_flag for param in global_params() for name in param.opts}
    position = 0
    while position < len(args):
        name, _, value = args[position].partition("=")
        if name not in takes_value:
            break
        position += 2 if takes_value[name] and not value else 1
    return min(position, len(args))
