"""`agentcli runs import`: take in runs that were exported elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli runs import 20261121-081532-k7f3qz.agentcli", "the run of a bundle, under its own id"),
    ("agentcli runs import *.agentcli --json", "several, one object each"),
)


def command(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Bundles that `runs export` wrote.")],
) -> None:
    """Take in runs from bundles; each is checked first, and taken whole or not at all."""
    from agentcli.workbench.import_run import import_run

    session = session_of(ctx)
    with session.open() as bench:
        for file in files:
            done = import_run(bench, session.path(file))
            if session.flags.json:
                session.out.json(done.to_json())
                continue
            session.out.line(done.run)
            if not done.new:
                session.note(f"Run {done.run} was here already, and is the same.")
    session.note("See what happened in it: agentcli runs show RUN")
