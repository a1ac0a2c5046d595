"""`agentcli bisect`: the recorded result that made a run go wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli bisect --good last~1 --bad last --check 'grep -q 8080'", "which result of the bad run is to blame?"),
    ("agentcli bisect --good k7f3qz --bad last --check ./ok.sh --plan", "what would be tried, and what it might cost"),
    ("agentcli bisect --good last~1 --bad last --check ./ok.sh --samples 10 -y", "for models that vary"),
    ("agentcli bisect --commits v1..HEAD last", "which commit of its template changed what the run does?"),
)

COMMITS = "Commits of a template"
UNKNOWN = 8
"""The exit code where the search ended without a culprit."""


def command(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="With --commits: the recorded run.", autocompletion=run_ids),
    ] = None,
    good: Annotated[
        str | None, typer.Option("--good", metavar="RUN", help="A run that passes the check.", autocompletion=run_ids)
    ] = None,
    bad: Annotated[
        str | None, typer.Option("--bad", metavar="RUN", help="A run that fails it.", autocompletion=run_ids)
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            "--check",
            metavar="COMMAND",
            help="Run in the workspace, the answer on standard input: exit 0 is good, 125 cannot say, 1-127 is bad.",
        ),
    ] = None,
    commits: Annotated[
        str | None,
        typer.Option(
            "--commits",
            metavar="GOOD..BAD",
            help="Search these commits of the run's template instead, by replaying the run with each.",
            rich_help_panel=COMMITS,
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="The template's file, where it is not the recorded one.",
            rich_help_panel=COMMITS,
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be tried and what it might cost, and do nothing.")
    ] = False,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", help="Try each candidate so often: 1, or 4 or more.")
    ] = 1,
    workspace: Annotated[Path | None, parameters.SOURCE] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "-y",
            "--yes",
            help="Go live without asking, and approve every ask. Denials stay.",
            rich_help_panel=parameters.PERMISSION,
        ),
    ] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
) -> None:
    """Find the recorded result that makes a run fail where another one passes.

    Each candidate is tried in a fork of the bad run: the good run's result in its place, all after it live.
    With --commits, nothing goes live: each version of the template is replayed from the record, as by `agentcli replay
    RUN --template FILE`, whose exit codes fit `git bisect run` (0 the same, 6 diverged).
    Exit 8 where the search ends without a culprit.
    """
    import asyncio

    from agentcli.cli.live_commits import one_kind, search_commits
    from agentcli.cli.live_search import search
    from agentcli.cli.render.bisect import print_found, print_plan
    from agentcli.workbench.bisect_runs import BisectRequest, bisect_runs, plan_bisect

    session = session_of(ctx)
    one_kind(run, good, bad, check, commits)
    if commits is not None:
        search_commits(session, run or "", commits, template, check)
        return
    request = BisectRequest(good or "", bad or "", check or "", samples)
    with session.open(session.options(workspace=workspace, yes=yes, allow=allow or ())) as bench:
        planned = asyncio.run(plan_bisect(bench, request))
        found = None if plan else search(session, planned, partial(bisect_runs, bench, request), yes=yes)
    if found is not None and found.culprit is None:
        session.exit_code = UNKNOWN
    if session.flags.json:
        session.out.json((found or planned).to_json())
    elif found is not None:
        print_found(session.out, found)
    elif plan:
        print_plan(session.out, planned)
