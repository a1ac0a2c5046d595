"""`agentcli diff`: what differs between two runs, and what caused it."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli diff last~1 last", "what went in, what happened and what it came to, as far as it differs"),
    ("agentcli diff k7f3qz m2x8ab --full", "no text cut, the steps that are the same listed too"),
    ("agentcli diff last~1 last --exit-code -q", "for scripts: exit code 8 where the two runs differ"),
    ("agentcli diff last~1 last --json", "the comparison as one JSON object"),
)

DIFFERENT = 8
"""The exit code where runs differ that were to be the same."""


def command(
    ctx: typer.Context,
    a: Annotated[
        str,
        typer.Argument(metavar="A", help="A run: an id, a unique part of one, last or last~1.", autocompletion=run_ids),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare it with.", autocompletion=run_ids)],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 8 if the runs differ.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Whole texts and values, and every step.")] = False,
) -> None:
    """Say what differs between two runs, and what caused it."""
    from agentcli.workbench.diff_runs import diff_runs

    session = session_of(ctx)
    with session.open() as bench:
        found = diff_runs(bench, a, b)
    if session.flags.json:
        session.out.json(found.to_json())
    else:
        from agentcli.cli.render.diff import print_diff

        print_diff(session.out, found, full=full)
    if exit_code and found.differs:
        session.exit_code = DIFFERENT
