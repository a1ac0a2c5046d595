"""`agentcli resume`: go on with a run that has stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentcli.cli.completions import model_names, run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli resume", "go on with the last run: what it did already is not done again"),
    ("agentcli resume k7f3qz --limit turns=40", "with the limit raised that stopped it"),
    ("agentcli resume last --in-doubt retry", "repeat a call of which nobody knows whether it happened"),
    ("agentcli resume last --tool-result 12=@sent.txt", "it did happen, and this is its result"),
)

DOUBT = "Calls that may have happened"
PERMISSION = "Permissions"


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
    in_doubt: Annotated[
        Literal["ask", "retry", "fail"],
        typer.Option(
            "--in-doubt",
            metavar="ask|retry|fail",
            help="What to do with a call that was begun and must not be done twice. Without a terminal, ask is fail.",
            rich_help_panel=DOUBT,
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
    limits: Annotated[
        list[str] | None,
        typer.Option(
            "--limit", metavar="NAME=VALUE", help="Another limit: turns, tokens, cost_usd, seconds. Repeatable."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m", "--model", metavar="MODEL", help="Go on with another provider:model.", autocompletion=model_names
        ),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace",
            metavar="DIR",
            help="The folder that tools work in, where it is not the present one.",
            rich_help_panel=PERMISSION,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", help="Approve every ask. Denials stay.", rich_help_panel=PERMISSION)
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="PATTERN",
            help="Calls that need no approval: tool or tool(pattern). Repeatable.",
            rich_help_panel=PERMISSION,
        ),
    ] = None,
    allow_private: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-private",
            metavar="HOST",
            help="An address or host of this machine's network that tools may reach. Repeatable.",
            rich_help_panel=PERMISSION,
        ),
    ] = None,
) -> None:
    """Go on with a run that has stopped; nothing completed is done again.

    For an interrupted, failed, cancelled, denied or limit-stopped run. What is on record is answered from there;
    approvals are asked for anew.
    """
    from agentcli.cli.execution import carry_out
    from agentcli.cli.words import Reader
    from agentcli.cli.words import limits as parse_limits
    from agentcli.workbench.resume_run import ResumeRequest, resume_run

    session = session_of(ctx)
    request = ResumeRequest(
        run,
        in_doubt=in_doubt,
        results=Reader(session.env).by_seq(results or (), "--tool-result"),
        limits=parse_limits(limits or ()),
    )
    options = session.options(
        workspace=workspace, model=model or (), yes=yes, allow=allow or (), private=allow_private or ()
    )
    with session.open(options) as bench:
        carry_out(session, partial(resume_run, bench, request), stdin_is_data=False)
