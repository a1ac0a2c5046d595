"""`agentcli replay`: a run once more, from its record alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli replay", "the last run again: nothing is sent, executed or written; every request is compared"),
    ("agentcli replay k7f3qz --template agents/reader.yaml", "does the edited template still do the same?"),
    ("agentcli replay last --pace", "watch it at the speed at which it happened"),
    ("agentcli replay last --json", "what was verified, or the first divergence, as one object"),
)


def command(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]",
            help="An id, a unique part of one, last (the default) or last~1.",
            autocompletion=run_ids,
        ),
    ] = "last",
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="Go by this template instead of the one it was run with."),
    ] = None,
) -> None:
    """Carry a run out again from its record alone, and compare.

    No model is asked, no tool runs, no key or network is needed. Exit 6 where it is not the same any more.
    """
    import asyncio

    from agentcli.cli.render.replay import print_replayed
    from agentcli.workbench.replay_run import replay_run

    session = session_of(ctx)
    with session.open() as bench:
        found = asyncio.run(replay_run(bench, run, template=session.path(template) if template else None))
    session.exit_code = 0 if found.divergence is None else 6
    if session.flags.json:
        session.out.json(found.to_json())
    else:
        print_replayed(session, found)
