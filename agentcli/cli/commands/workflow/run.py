"""`agentcli workflow run`: a prompt list or a step graph, from its first step to its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import workflow_names
from agentcli.cli.session import Session, session_of
from agentcli.core.values import value
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.cli.execution import Work
    from agentcli.workbench.plan_workflow import WorkflowRequest
    from agentcli.workbench.wiring import Options

EXAMPLES = (
    ("agentcli workflow run answer-and-check -i question='When is the refund?'", "a workflow by its name"),
    ("agentcli workflow run ./release.yaml -m openai:gpt-5-mini", "a file, with another model for every step"),
    ("agentcli workflow run triage --each tickets.csv --concurrency 20 -o out.jsonl", "a run for each row of a file"),
    ("agentcli workflow answer-and-check -i question=@mail.txt --json", "the short form; the events as JSON lines"),
)

MODEL = "Model and limits"
ROWS = "A run for each row"


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
    each: Annotated[
        str | None,
        typer.Option(
            "--each",
            metavar="FILE|-",
            help="Run it for each row: JSON lines or CSV with the inputs by name; - reads JSON lines.",
            rich_help_panel=ROWS,
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            metavar="N",
            min=1,
            max=100,
            help="How many rows are at work at a time.",
            rich_help_panel=ROWS,
        ),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Go on with the last run over these rows; run its failed ones again.",
            rich_help_panel=ROWS,
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the lines of rows into a file.", rich_help_panel=ROWS
        ),
    ] = None,
    workspace: Annotated[
        Path | None, parameters.workspace("The folder that tools work in, instead of the project's or the current one.")
    ] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
) -> None:
    """Run a workflow, from its first step to its last.

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
    request = WorkflowRequest(workflow, reader.inputs(inputs or ()), parse_limits(limits or ()))
    stdin_is_data = reader.stdin_used_by is not None
    if each is not None:
        _for_each(session, options, request, Rows(each, concurrency, retry_failed, output), stdin_is_data)
        return
    _refuse_without_each({"--concurrency": concurrency, "--retry-failed": retry_failed, "--output": output})
    with session.open(options) as bench:
        carry_out(session, partial(run_workflow, bench, request), stdin_is_data=stdin_is_data)


@value(frozen=True, slots=True)
class Rows:
    """What is said of the rows."""

    source: str
    concurrency: int | None
    retry_failed: bool
    output: Path | None


def _for_each(session: Session, options: Options, request: WorkflowRequest, rows: Rows, stdin_is_data: bool) -> None:
    from contextlib import closing

    from agentcli.cli.execution import carry_out
    from agentcli.cli.row_output import many_runs, row_output
    from agentcli.workbench.earlier_rows import earlier_run
    from agentcli.workbench.plan_workflow import EachRequest
    from agentcli.workbench.resume_run import ResumeRequest, resume_run
    from agentcli.workbench.row_source import STDIN, open_rows
    from agentcli.workbench.run_workflow import run_workflow

    request = replace(request, each=EachRequest(rows.source, rows.concurrency))
    with (
        session.open(options) as bench,
        closing(open_rows(rows.source, session.env.cwd, session.env.stdin)) as source,
        row_output(session, rows.output, rows.source) as out,
        many_runs(),
    ):
        work: Work = partial(run_workflow, bench, request, source=source, out=out)
        if rows.retry_failed:
            run = earlier_run(bench, request.workflow, request.inputs, source)
            work = partial(resume_run, bench, ResumeRequest(run, limits=request.limits, retry_failed=True), out=out)
        carry_out(session, work, stdin_is_data=stdin_is_data or rows.source == STDIN, rows=out)


def _refuse_without_each(options: Mapping[str, object]) -> None:
    for name, given in options.items():
        if given:
            raise UsageError(
                "E-USAGE-EACH",
                f"`{name}` is for the rows of --each.",
                why="Without --each the workflow is run once.",
                fix="Add --each FILE, or leave it out.",
            )
