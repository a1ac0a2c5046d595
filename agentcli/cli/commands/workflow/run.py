"""`agentcli workflow run`: a prompt list or a step graph, from its first step to its last."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import workflow_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli workflow run answer-and-check -i question='When is the refund?'", "a workflow by its name"),
    ("agentcli workflow run ./release.yaml -m openai:gpt-5-mini", "a file, with another model for every step"),
    ("agentcli workflow answer-and-check -i question=@mail.txt --json", "the short form; the events as JSON lines"),
)

MODEL = "Model and limits"


def command(
    ctx: typer.Context,
    workflow: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="A workflow's name or file.", autocompletion=workflow_names),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "-i", "--input", metavar="K=V", help="An input of the workflow: k=v, k=@file or k:=JSON. Repeatable."
        ),
    ] = None,
    model: Annotated[
        list[str] | None, parameters.model("provider:model for every step. Repeated: tried in order.", MODEL)
    ] = None,
    limits: Annotated[
        list[str] | None,
        parameters.limit("turns, tokens, cost_usd, seconds or tool_seconds of the whole run.", MODEL),
    ] = None,
    workspace: Annotated[
        Path | None, parameters.workspace("The folder that tools work in, instead of the project's or the current one.")
    ] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
) -> None:
    """Run a workflow.

    Its output goes to standard output, everything else to standard error. The run is recorded: agentcli runs show last.
    """
    from agentcli.cli.execution import carry_out
    from agentcli.cli.words import Reader
    from agentcli.cli.words import limits as parse_limits
    from agentcli.workbench.plan_workflow import WorkflowRequest
    from agentcli.workbench.run_workflow import run_workflow

    session = session_of(ctx)
    reader = Reader(session.env)
    options = session.options(
        workspace=workspace, model=model or (), yes=yes, allow=allow or (), private=allow_private or ()
    )
    with session.open(options) as bench:
        request = WorkflowRequest(workflow, reader.inputs(inputs or ()), parse_limits(limits or ()))
        carry_out(session, partial(run_workflow, bench, request), stdin_is_data=reader.stdin_used_by is not None)
