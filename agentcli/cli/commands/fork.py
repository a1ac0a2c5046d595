"""`agentcli fork`: a new run from a point of an old one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli fork last --at 6 -m openai:gpt-5-mini", "the same up to event 6, then another model"),
    ("agentcli fork last --tool-result 8=@other.txt", "what if the tool had said something else?"),
    ("agentcli fork k7f3qz --at 1 --instructions @new.md --plan", "what would be asked anew, and what it might cost"),
    ("agentcli fork last --at 12 --limit turns=40", "with more room from there on"),
    ("agentcli fork last --at draft --prompt @shorter.md", "a workflow from one of its steps on, with another prompt"),
)

OTHER = "What is different"


def command(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="An id, a unique part of one, last or last~1.", autocompletion=run_ids),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="SEQ|STEP",
            help="The last event that is kept, or the step of a workflow that is done anew with all after it.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would go live and what it might cost, and do nothing.")
    ] = False,
    model: Annotated[
        list[str] | None, parameters.model("Another provider:model. Repeated: tried in order.", OTHER)
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT|@FILE", help="Another task.", rich_help_panel=OTHER),
    ] = None,
    instructions: Annotated[
        str | None,
        typer.Option("--instructions", metavar="TEXT|@FILE", help="Other instructions.", rich_help_panel=OTHER),
    ] = None,
    results: Annotated[
        list[str] | None,
        typer.Option(
            "--tool-result",
            metavar="SEQ=@FILE",
            help="Another result of the call that ended at this event. Repeatable.",
            rich_help_panel=OTHER,
        ),
    ] = None,
    responses: Annotated[
        list[str] | None,
        typer.Option(
            "--response",
            metavar="SEQ=@FILE",
            help="Another answer of the model at this event: text, or a message as JSON. Repeatable.",
            rich_help_panel=OTHER,
        ),
    ] = None,
    limits: Annotated[
        list[str] | None, parameters.limit("Another limit: turns, tokens, cost_usd, seconds.", OTHER)
    ] = None,
    files: Annotated[
        Literal["snapshots", "current"],
        parameters.files(
            "A copy of the workspace with the files as they were at the cut, or the workspace as it is now.", OTHER
        ),
    ] = "snapshots",
    in_doubt: Annotated[
        Literal["ask", "retry", "fail"],
        parameters.in_doubt("What to do with a call that was in flight at the cut."),
    ] = "ask",
    workspace: Annotated[Path | None, parameters.SOURCE] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
) -> None:
    """Begin a new run from a point of an old one.

    Up to the cut everything is answered from the record; from there on it is live, with files of its own.
    """
    import asyncio

    from agentcli.cli.execution import carry_out
    from agentcli.cli.words import Reader, message_in
    from agentcli.cli.words import limits as parse_limits
    from agentcli.workbench.fork_run import ForkRequest, fork_run, plan_fork

    session = session_of(ctx)
    reader = Reader(session.env)
    replies = reader.by_seq(responses or (), "--response")
    is_seq = at is not None and at.removeprefix("-").isdecimal()
    request = ForkRequest(
        run,
        at=int(at) if at is not None and is_seq else None,
        step=None if is_seq else at,
        models=tuple(model or ()),
        prompt=reader.text(prompt, "--prompt") if prompt is not None else None,
        instructions=reader.text(instructions, "--instructions") if instructions is not None else None,
        results=reader.by_seq(results or (), "--tool-result"),
        responses={seq: message_in(text) for seq, text in replies.items()},
        limits=parse_limits(limits or ()),
        files=files,
        in_doubt=in_doubt,
    )
    options = session.options(workspace=workspace, yes=yes, allow=allow or (), private=allow_private or ())
    with session.open(options) as bench:
        if not plan:
            carry_out(session, partial(fork_run, bench, request), stdin_is_data=False)
            return
        found = asyncio.run(plan_fork(bench, request))
    if session.flags.json:
        session.out.json(found.to_json())
    else:
        from agentcli.cli.render.fork_plan import print_plan

        print_plan(session.out, found)
