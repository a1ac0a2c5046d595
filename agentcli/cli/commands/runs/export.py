"""`agentcli runs export`: a run as one file."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of
from agentcli.errors import UsageError

EXAMPLES = (
    ("agentcli runs export", "the last run as one file that `runs import` takes in"),
    ("agentcli runs export k7f3qz --to html -o run.html", "a page that shows the run, in one file"),
    ("agentcli runs export last --to jsonl -o - | jq .type", "its events, for another program"),
    ("agentcli runs export last --to pytest -o tests", "a test of the agent, with its recording beside it"),
    ("agentcli runs export last --to otel --content -o trace.json", "a trace, with the texts of its messages"),
)

STDOUT = "-"


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
    to: Annotated[
        Literal["bundle", "jsonl", "html", "atif", "otel", "pytest"],
        typer.Option("--to", metavar="FORMAT", help="bundle (the default), jsonl, html, atif, otel or pytest."),
    ] = "bundle",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file or its folder; - is standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    content: Annotated[
        bool, typer.Option("--content", help="With otel: the texts of messages, arguments and results too.")
    ] = False,
) -> None:
    """Write a run into one file: to keep, to hand on, to look at."""
    import shlex

    from agentcli.workbench.export_run import ExportRequest, export_run, write_export
    from agentcli.workbench.exports.formats import FORMATS, ExportOptions

    session = session_of(ctx)
    if output == STDOUT and session.env.stdout_tty and not FORMATS[to].text:
        raise _not_for_a_terminal(to)
    with session.open() as bench:
        exported = export_run(bench, ExportRequest(run, to, ExportOptions(content=content)))
    if output == STDOUT and len(exported.files) > 1:
        raise _several_files(to)
    if output == STDOUT:
        session.out.raw(exported.files[0].data)
        return
    written = write_export(exported, session.path(output or "."), force=force)
    if session.flags.json:
        session.out.json(written.to_json())
        return
    here = written.file.is_relative_to(session.env.cwd)
    file = str(written.file.relative_to(session.env.cwd) if here else written.file)
    session.out.line(session.out.untrusted(file))
    session.note(session.err.untrusted(FORMATS[to].next_step.format(file=shlex.quote(file))))


def _several_files(to: str) -> UsageError:
    return UsageError(
        "E-EXPORT-STDOUT",
        f"The form `{to}` cannot go to standard output.",
        why="It is more than one file.",
        fix="Name a file or a folder with `-o`.",
    )


def _not_for_a_terminal(to: str) -> UsageError:
    return UsageError(
        "E-EXPORT-TERMINAL",
        f"A {to} cannot be shown on a terminal.",
        why="It is no text.",
        fix="Name a file with `-o`, or send it through a pipe.",
    )
