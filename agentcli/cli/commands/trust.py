"""`agentcli trust`: let a project's permissions and code take effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentcli.cli.session import session_of
from agentcli.errors import UsageError

EXAMPLES = (
    ("agentcli trust", "trust the project of this folder"),
    ("agentcli trust ../other", "trust another one"),
    ("agentcli trust --remove", "trust it no more"),
)


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder of the project; the current one without it.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the trust back.")] = False,
) -> None:
    """Trust a project: its permissions and code take effect.

    Without trust, what a project allows is asked about, its Python does not run, and its servers get no keys from
    outside it.
    """
    from agentcli.config.places import user_places
    from agentcli.config.project import find_project
    from agentcli.config.trust import trust, untrust

    session = session_of(ctx)
    start = session.path(folder) if folder else session.env.cwd
    project = find_project(start, session.path(session.flags.project) if session.flags.project else None)
    if project is None:
        raise UsageError(
            "E-PROJECT-NONE",
            f"There is no project in {start}.",
            why="Neither this folder nor one above it has an agentcli.yaml.",
            fix="Make one with `agentcli init`, or name its folder.",
        )
    places = user_places(session.env.environ)
    if remove:
        untrust(places, project.root)
    else:
        trust(places, project.root)
    if session.flags.json:
        session.out.json({"project": str(project.root), "trusted": not remove})
    else:
        session.note(f"{project.root} is {'not trusted any more' if remove else 'trusted'}.")
