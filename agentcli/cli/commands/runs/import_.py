"""`agentcli runs import`: take in runs that were exported elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.session import session_of

if TYPE_CHECKING:
    from agentcli.journal.bundle_salvage import Break

EXAMPLES = (
    ("agentcli runs import 20261121-081532-k7f3qz.agentcli", "the run of a bundle, under its own id"),
    ("agentcli runs import *.agentcli --json", "several, one object each"),
    ("agentcli runs import cut.agentcli --salvage", "what is intact of one that is damaged"),
)


def command(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Bundles that `runs export` wrote.")],
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Of a damaged bundle, take the events before the first broken one.")
    ] = False,
) -> None:
    """Take in runs from bundles; each is checked first, and taken whole or not at all.

    With --salvage a damaged bundle gives what comes before the place where it breaks: an interrupted run, tagged
    `damaged`.
    """
    from agentcli.workbench.import_run import import_run

    session = session_of(ctx)
    with session.open() as bench:
        for file in files:
            done = import_run(bench, session.path(file), salvage=salvage)
            if session.flags.json:
                session.out.json(done.to_json())
                continue
            session.out.line(done.run)
            if not done.new:
                session.note(f"Run {done.run} was here already, and is the same.")
            if done.broken is not None:
                session.note(_told(done.broken))
    session.note("See what happened in it: agentcli runs show RUN")


def _told(broken: Break) -> str:
    from agentcli.cli.render.quantity import count
    from agentcli.cli.render.text import one_line

    taken = f"{count(broken.at - 1, 'event')} of {broken.count}"
    return f"The bundle is damaged. Taken: {taken}. It breaks at event {broken.at}: {one_line(broken.why, 500)}"
