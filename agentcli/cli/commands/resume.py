"""`agentcli resume`: go on with a run that has stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentcli.cli import parameters
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli resume", "go on with the last run: what it did already is not done again"),
    ("agentcli resume k7f3qz --limit turns=40", "with the limit raised that stopped it"),
    ("agentcli resume last --retry-failed", "the rows of --each that failed, once more"),
    ("agentcli resume last --in-doubt retry", "repeat a call of which nobody knows whether it happened"),
    ("agentcli resume last --tool-result 12=@sent.txt", "it did happen, and this is its result"),
)

ROWS = "Rows"
DOUBT = "Calls that may have happened"


def command(
    ctx: typer.Context,
    run: Annotated[str, parameters.RUN] = "last",
    in_doubt: Annotated[
        Literal["ask", "retry", "fail"],
        parameters.in_doubt(
            "What to do with a call that was begun and must not be done twice. Without a terminal, ask is fail.", DOUBT
        ),
    ] = "ask",
    results: Annotated[
        list[str] | None,
        typer.Option(
            "--tool-result",
            metavar="SEQ=@FILE",
            help="The call begun at this event did happen, with this result. Repeatable.",
            rich_help_panel=DOUBT,
        ),
    ] = None,
    limits: Annotated[list[str] | None, parameters.limit("Another limit: turns, tokens, cost_usd, seconds.")] = None,
    model: Annotated[list[str] | None, parameters.model("Go on with another provider:model.")] = None,
    workspace: Annotated[
        Path | None, parameters.workspace("The folder that tools work in, where it is not the present one.")
    ] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="Of a run for each of many rows: run the failed ones again.", rich_help_panel=ROWS
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the lines of rows into a file.", rich_help_panel=ROWS
        ),
    ] = None,
) -> None:
    """Go on with a run that has stopped; nothing completed is done again.

    For an interrupted, failed, cancelled, denied or limit-stopped run. What is on record is answered from there;
    approvals are asked for anew.
    """
    from agentcli.cli.execution import carry_out
    from agentcli.cli.row_output import row_output
    from agentcli.cli.words import Reader
    from agentcli.cli.words import limits as parse_limits
    from agentcli.workbench.resume_run import ResumeRequest, resume_run

    session = session_of(ctx)
    request = ResumeRequest(
        run,
        in_doubt=in_doubt,
        results=Reader(session.env).by_seq(results or (), "--tool-result"),
        limits=parse_limits(limits or ()),
        retry_failed=retry_failed,
    )
    options = session.options(
        workspace=workspace, model=model or (), yes=yes, allow=allow or (), private=allow_private or ()
    )
    with session.open(options) as bench, row_output(session, output) as rows:
        carry_out(session, partial(resume_run, bench, request, out=rows), stdin_is_data=False, rows=rows)
