"""`agentcli runs list`: runs, newest first."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from agentcli.cli.completions import agent_names, model_names, run_ids
from agentcli.cli.session import session_of
from agentcli.core.runs import RunKind, RunQuery, RunStatus

EXAMPLES = (
    ("agentcli runs", "the newest runs"),
    ("agentcli runs list --status failed --since 2d", "what went wrong in the last two days"),
    ("agentcli runs list --parent k7f3qz", "the forks and children of a run"),
    ("agentcli runs list --name reader --limit 5 --json", "one object a run, for scripts"),
)

DEFAULT_LIMIT = 20


def command(
    ctx: typer.Context,
    status: Annotated[
        RunStatus | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="running, interrupted, completed, failed, cancelled, limited or denied.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The agent or workflow.", autocompletion=agent_names),
    ] = None,
    kind: Annotated[
        RunKind | None, typer.Option("--kind", metavar="KIND", help="agent, workflow, tool or row.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", help="Begun with this provider:model.", autocompletion=model_names
        ),
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="A tag that the run has.")] = None,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="RUN", help="Forks and children of this run.", autocompletion=run_ids),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Started since then: 30m, 2h, 3d, 1w, or a date.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help=f"At most so many; 0 is all. Default: {DEFAULT_LIMIT}.")
    ] = DEFAULT_LIMIT,
    everything: Annotated[bool, typer.Option("--all", help="Child runs too.")] = False,
) -> None:
    """List runs, newest first."""
    from agentcli.cli.moments import since as parse_since
    from agentcli.cli.render.run_list import print_runs, row_json
    from agentcli.workbench.list_runs import list_runs

    session = session_of(ctx)
    now = time.time()
    query = RunQuery(
        status=status,
        name=name,
        kind=kind,
        model=model,
        tag=tag,
        after=parse_since(since, now) if since else None,
        children=everything,
        limit=limit or None,
    )
    with session.open() as bench:
        rows = list_runs(bench, query, of=parent)
    if session.flags.json:
        for row in rows:
            session.out.json(row_json(row))
    elif rows:
        print_runs(session.out, rows, now)
    else:
        session.note("No runs. Make one: agentcli run 'What is in this folder?'")
