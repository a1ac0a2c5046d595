"""`agentcli config check`: what is wrong in settings and templates."""

from __future__ import annotations

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli config check", "settings, agents and workflows, each problem with its line"),
    ("agentcli config check --json", "one object a problem, and exit code 3 if there is any"),
)

INVALID = 3


def command(ctx: typer.Context) -> None:
    """Check settings and templates."""
    from agentcli.cli.render.problems import print_error
    from agentcli.cli.render.quantity import count
    from agentcli.workbench.check_config import check_config

    session = session_of(ctx)
    with session.open() as bench:
        report = check_config(bench)
        known = set(bench.warnings)
    session.exit_code = INVALID if report.problems else 0
    if session.flags.json:
        for level, infos in (("error", report.problems), ("warning", report.warnings)):
            for info in infos:
                session.out.json({"level": level, **info.to_json()})
        return
    for info in report.problems:
        print_error(session.err, info)
    session.warn(info for info in report.warnings if info not in known)
    read = f"{count(len(report.files), 'settings file')}, {count(report.templates, 'template')}"
    if report.problems:
        session.out.line(f"{count(len(report.problems), 'problem')}; {read} without one.")
    else:
        session.out.line(f"Nothing is wrong in {read}.")
