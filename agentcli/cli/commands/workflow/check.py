"""`agentcli workflow check`: what is wrong in workflows."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import workflow_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli workflow check", "every workflow that can be found, each problem with its line"),
    ("agentcli workflow check release-notes ./draft.yaml", "one of the catalog, and one in a file"),
    ("agentcli workflow check --json", "one object a problem, and exit code 3 if there is any"),
)

INVALID = 3


def command(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|FILE]...", help="Workflows; without any, all of them.", autocompletion=workflow_names
        ),
    ] = None,
) -> None:
    """Check workflows; every mistake is told with its line, and nothing is executed."""
    from agentcli.cli.render.problems import print_error
    from agentcli.cli.render.quantity import count
    from agentcli.workbench.check_workflows import check_workflows

    session = session_of(ctx)
    with session.open() as bench:
        report = check_workflows(bench, names or ())
    session.exit_code = INVALID if report.problems else 0
    if session.flags.json:
        for level, infos in (("error", report.problems), ("warning", report.warnings)):
            for info in infos:
                session.out.json({"level": level, **info.to_json()})
        return
    for info in report.problems:
        print_error(session.err, info)
    session.warn(report.warnings)
    if report.problems:
        of = f"{report.broken} of {count(report.checked, 'workflow')}"
        session.out.line(f"{count(len(report.problems), 'problem')} in {of}.")
    else:
        session.out.line(f"Nothing is wrong in {count(report.checked, 'workflow')}.")
