"""`agentcli run`: one task for one agent."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import agent_names
from agentcli.cli.session import session_of
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench

EXAMPLES = (
    ("agentcli run 'What is in this folder?'", "the built-in assistant answers"),
    ("agentcli run reader 'Which port does the server use?'", "an agent by its name"),
    ("git diff | agentcli run 'Sum this up' -f -", "piped data, attached to the task"),
    ("agentcli run extractor @letter.txt --json", "the task from a file, the events as JSON lines"),
    ("agentcli run -c 'And the second one?'", "go on with the last conversation"),
)

MODEL = "Model and limits"


def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[AGENT] TASK",
            help="An agent's name or file, and what to do. TASK may be - (standard input) or @file; @@ is a literal @.",
            autocompletion=agent_names,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "-i", "--input", metavar="K=V", help="An input of the agent: k=v, k=@file or k:=JSON. Repeatable."
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("-f", "--file", metavar="FILE", help="Attach a file, or - for standard input. Repeatable."),
    ] = None,
    continue_last: Annotated[bool, typer.Option("-c", "--continue", help="Go on with the last conversation.")] = False,
    model: Annotated[
        list[str] | None, parameters.model("provider:model to ask. Repeated: tried in order.", MODEL)
    ] = None,
    limits: Annotated[
        list[str] | None, parameters.limit("turns, tokens, cost_usd, seconds or tool_seconds.", MODEL)
    ] = None,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Ask for the whole answer at once.", rich_help_panel=MODEL)
    ] = False,
    workspace: Annotated[
        Path | None, parameters.workspace("The folder that tools work in, instead of the project's or the current one.")
    ] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
) -> None:
    """Give an agent a task.

    The answer goes to standard output, everything else to standard error. The run is recorded: agentcli runs show last.
    """
    _check_count(words or [])
    from agentcli.cli.execution import carry_out
    from agentcli.cli.words import Reader
    from agentcli.cli.words import limits as parse_limits
    from agentcli.workbench.run_agent import RunRequest, run_agent

    session = session_of(ctx)
    reader = Reader(session.env)
    settings = {"settings.stream": False} if no_stream else {}
    options = session.options(workspace=workspace, model=model or (), yes=yes, allow=allow or (), settings=settings)
    with session.open(options) as bench:
        agent, task = _agent_and_task(words or [], bench)
        request = RunRequest(
            task=_said(reader.task(task), bool(files)),
            agent=agent,
            inputs=reader.inputs(inputs or ()),
            attachments=[reader.attachment(file) for file in files or ()],
            continue_last=continue_last,
            limits=parse_limits(limits or ()),
        )
        carry_out(session, partial(run_agent, bench, request), stdin_is_data=reader.stdin_used_by is not None)


def _check_count(words: list[str]) -> None:
    if not words:
        raise UsageError(
            "E-USAGE-NO-TASK",
            "There is no task.",
            why="`agentcli run` takes an agent, or none, and a task.",
            fix="Write agentcli run 'What is in this folder?'",
        )
    if len(words) > 2:
        raise UsageError(
            "E-USAGE-WORDS",
            f"`agentcli run` takes one or two words, not {len(words)}.",
            why="A task with spaces is one word only in quotes.",
            fix=f"Write agentcli run '{' '.join(words)}'",
        )


def _said(task: str, with_files: bool) -> str:
    """The task. Raises UsageError where neither it nor a file says anything."""
    if task.strip() or with_files:
        return task
    raise UsageError(
        "E-USAGE-NO-TASK",
        "The task is empty.",
        why="There is nothing in it that an agent could do.",
        fix="Write agentcli run 'What is in this folder?'",
    )


def _agent_and_task(words: list[str], bench: Workbench) -> tuple[str | None, str]:
    if len(words) == 2:
        return words[0], words[1]
    if bench.catalog.is_agent(words[0]):
        raise UsageError(
            "E-USAGE-NO-TASK",
            f"`{words[0]}` is an agent, and there is no task for it.",
            why="One word is the task, and this one names an agent.",
            fix=f"Write agentcli run {words[0]} 'What it should do'",
        )
    return None, words[0]
