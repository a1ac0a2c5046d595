"""`agentcli runs stats`: what the runs on record come to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import agent_names, model_names
from agentcli.cli.session import session_of
from agentcli.core.runs import RunQuery
from agentcli.workbench.statistics.groupings import Grouping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentcli.errors import ErrorInfo

EXAMPLES = (
    ("agentcli runs stats", "tokens, cost, times and errors by agent, model and tool"),
    ("agentcli runs stats --since 7d --by day", "a line a day for the last week"),
    ("agentcli runs stats --name reader --by model --by tool", "what one agent's calls took"),
    ("agentcli runs stats --name triage --by step", "how long each step of a workflow took, and how often it failed"),
    ("agentcli runs stats --by status --json", "one object a row, for scripts"),
)


def command(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Started since then: 30m, 2h, 3d, 1w, or a date.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Started before then.")] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The agent or workflow.", autocompletion=agent_names),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", help="Begun with this provider:model.", autocompletion=model_names
        ),
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="A tag that the run has.")] = None,
    by: Annotated[
        list[Grouping] | None,
        typer.Option(
            "--by",
            metavar="GROUP",
            help="agent, model, tool, day, status or step; again for more. Default: the first three.",
        ),
    ] = None,
) -> None:
    """Sum up runs: tokens, cost, times and errors.

    Percentiles are times that occurred (nearest rank). What a fork took over from its parent counts once. The cost
    leaves out what has no known price.
    """
    from agentcli.cli.moments import since as parse_time
    from agentcli.cli.render.stats import print_stats, stats_json
    from agentcli.workbench.run_stats import DEFAULT_GROUPINGS, run_stats

    session = session_of(ctx)
    now = time.time()
    query = RunQuery(
        name=name,
        model=model,
        tag=tag,
        after=parse_time(since, now) if since else None,
        before=parse_time(until, now) if until else None,
    )
    with session.open() as bench:
        stats = run_stats(bench, query, by or DEFAULT_GROUPINGS)
    if not session.flags.quiet:
        session.warn(_partly(stats.partly))
    if not stats.overall.count:
        session.note("No runs fit. See what there is: agentcli runs list --all --limit 0")
    elif session.flags.json:
        for row in stats_json(stats):
            session.out.json(row)
    else:
        print_stats(session.out, stats)


def _partly(runs: tuple[str, ...]) -> Iterator[ErrorInfo]:
    from agentcli.errors import ErrorInfo

    if runs:
        others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
        yield ErrorInfo(
            "E-STATS-PARTLY",
            f"Not everything is counted of run {runs[0]}{others}.",
            "What is on record of it cannot be read to its end.",
            f"See where it breaks with `agentcli runs verify {runs[0]}`.",
        )
