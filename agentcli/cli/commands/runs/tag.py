"""`agentcli runs tag`: give a run names to find it and to keep it by."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli runs tag last baseline", "tag the last run"),
    ("agentcli runs tag k7f3qz ci/main:42 release", "two tags at once"),
    ("agentcli runs tag last baseline --remove", "take it off again"),
    ("agentcli runs list --tag baseline", "find what is tagged"),
)


def command(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="An id, a unique part of one, last or last~1.", autocompletion=run_ids),
    ],
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Letters, digits and . _ : / - without spaces.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take these tags off.")] = False,
) -> None:
    """Tag a run, so that it is found by its tag and kept by prune."""
    from agentcli.cli.render.run_list import row_json
    from agentcli.workbench.tag_runs import tag_run

    session = session_of(ctx)
    with session.open() as bench:
        row = tag_run(bench, run, tags, remove=remove)
    if session.flags.json:
        session.out.json(row_json(row))
    elif row.tags:
        session.note(f"{row.start.id} is tagged {', '.join(row.tags)}.")
    else:
        session.note(f"{row.start.id} has no tags.")
