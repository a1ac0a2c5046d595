"""`agentcli runs show`: what happened in one run."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import Session, session_of
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.workbench.show_run import RunView

EXAMPLES = (
    ("agentcli runs show", "the last run as a tree: turns, calls, times, tokens, cost"),
    ("agentcli runs show last~1 --full", "the one before, nothing cut"),
    ("agentcli runs show k7f3qz --event 5", "one event, whole"),
    ("agentcli runs show last --json", "its events as JSON lines"),
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
    full: Annotated[bool, typer.Option("--full", help="Whole messages, arguments and results.")] = False,
    event: Annotated[
        int | None, typer.Option("--event", metavar="SEQ", min=0, help="Only the event with this number, as JSON.")
    ] = None,
) -> None:
    """Show one run: its turns, calls, times, tokens and cost."""
    from agentcli.workbench.show_run import show_run

    session = session_of(ctx)
    with session.open() as bench:
        view = show_run(bench, run)
    events = view.events
    if event is not None:
        _print_event(session, view, event)
        return
    if session.flags.json:
        for item in events:
            session.out.json(item.to_json())
    else:
        from agentcli.cli.render.run_tree import RunTree

        RunTree(session.out, now=time.time(), full=full).show(view.row, events)
    if view.damage is not None:
        raise view.damage


def _print_event(session: Session, view: RunView, seq: int) -> None:
    found = next((event for event in view.events if event.seq == seq), None)
    if found is None and view.damage is not None:
        raise view.damage
    if found is None:
        last = max((event.seq for event in view.events), default=0)
        raise UsageError(
            "E-USAGE-EVENT",
            f"There is no event {seq} in this run.",
            why=f"Its events are numbered up to {last}.",
            fix="See `agentcli runs show RUN` for the numbers.",
        )
    if session.flags.json:
        session.out.json(found.to_json())
    else:
        session.out.line(session.out.untrusted(json.dumps(found.to_json(), ensure_ascii=False, indent=2)))
