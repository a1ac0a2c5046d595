"""Parameters that several commands have, said once."""

from __future__ import annotations

from typing import Any

import typer

from agentcli.cli.completions import model_names, run_ids

PERMISSION = "Permissions"

RUN: Any = typer.Argument(
    metavar="[RUN]", help="An id, a unique part of one, last (the default) or last~1.", autocompletion=run_ids
)
YES: Any = typer.Option("-y", "--yes", help="Approve every ask. Denials stay.", rich_help_panel=PERMISSION)
ALLOW: Any = typer.Option(
    "--allow",
    metavar="PATTERN",
    help="Calls that need no approval: tool or tool(pattern). Repeatable.",
    rich_help_panel=PERMISSION,
)


def workspace(text: str) -> Any:
    """The folder that tools work in, or that their files come from."""
    return typer.Option("--workspace", metavar="DIR", help=text, rich_help_panel=PERMISSION)


SOURCE: Any = workspace("The folder to take the files from, where it is not the present one.")


def model(text: str, panel: str | None = None) -> Any:
    """Which model, or which of them in turn."""
    return typer.Option("-m", "--model", metavar="MODEL", help=text, rich_help_panel=panel, autocompletion=model_names)


def limit(text: str, panel: str | None = None) -> Any:
    """A limit, by its name."""
    return typer.Option("--limit", metavar="NAME=VALUE", help=f"{text} Repeatable.", rich_help_panel=panel)


def files(text: str, panel: str) -> Any:
    """Which files a new run begins with."""
    return typer.Option("--files", metavar="snapshots|current", help=text, rich_help_panel=panel)


def in_doubt(text: str, panel: str | None = None) -> Any:
    """What becomes of a call of which nobody knows whether it happened."""
    return typer.Option("--in-doubt", metavar="ask|retry|fail", help=text, rich_help_panel=panel)
