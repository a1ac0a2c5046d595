"""`agentcli runs tail`: follow a run that another process is writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from agentcli.core.runs import RunRow
    from agentcli.workbench.follow_run import Following, Wait

EXAMPLES = (
    ("agentcli runs tail", "follow the newest run that is under way, to its end"),
    ("agentcli runs tail k7f3qz -n 0", "only what happens from now on"),
    ("agentcli runs tail last --all-types", "a line for every event"),
    ("agentcli runs tail --json | jq .type", "the events as they come, for scripts"),
)

DEFAULT_LINES = 10

INTERVAL_S = 0.2
"""Seconds between two looks: soon enough for a reader, and nothing for the machine."""


def command(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            help="An id, a unique part of one, last or last~1. Default: the newest that is running, else the last.",
            autocompletion=run_ids,
        ),
    ] = None,
    lines: Annotated[
        int,
        typer.Option("-n", "--lines", metavar="N", min=0, help=f"Lines of what is there. Default: {DEFAULT_LINES}."),
    ] = DEFAULT_LINES,
    all_types: Annotated[bool, typer.Option("--all-types", help="A line for every event.")] = False,
) -> None:
    """Follow a run while it is written, until it ends.

    Ctrl-C ends the following; the run goes on.
    """
    import time

    from agentcli.workbench.follow_run import Following

    session = session_of(ctx)
    with session.open() as bench:
        follow(session, Following(bench, run), lambda: time.sleep(INTERVAL_S), lines=lines, all_types=all_types)


def follow(session: Session, following: Following, wait: Wait, *, lines: int, all_types: bool) -> None:
    """Print the last lines of what is on record, and all that comes after, each time `wait` has returned."""
    from agentcli.cli.render.followed import FollowedLines

    flags = session.flags
    told = FollowedLines(session.out, as_json=flags.json, all_types=all_types, detail=flags.verbose)
    looks = following.looks(wait)
    told.last(next(looks), lines)
    for events in looks:
        told.all(events)
    _print_end(session, following.row)


def _print_end(session: Session, row: RunRow) -> None:
    from agentcli.cli.render.progress_lines import summary

    run, end = row.start.id, row.end
    if end is None:
        session.note(f"Run {run} was interrupted: nobody writes it any more. Go on with it: agentcli resume {run}")
        return
    session.note(
        summary(
            status=row.status,
            duration_s=end.duration_s,
            turns=end.turns,
            usage=end.usage,
            cost_usd=end.cost_usd,
            run=run,
            glyphs=session.err.glyphs,
        )
    )
