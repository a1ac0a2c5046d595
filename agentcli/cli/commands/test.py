"""`agentcli test`: recordings as regression tests."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli test", "every recording in the project's tests/, else in the project"),
    ("agentcli test tests/recordings -k reader", "those whose path or agent has this in it"),
    ("agentcli test --junit report.xml", "with a report that CI systems read; exit code 8 if one is not the same"),
    ("agentcli test --json | jq 'select(.same | not)'", "one object a recording"),
)

CHECK_FAILED = 8


def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Recordings (*.agentcli), and folders to look for them in."),
    ] = None,
    text: Annotated[
        str, typer.Option("-k", metavar="TEXT", help="Only recordings whose path or agent has this text in it.")
    ] = "",
    junit: Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report (XML).")] = None,
) -> None:
    """Replay recordings against the templates of today.

    Nothing is sent, executed or written to the journal. Make recordings with `agentcli runs export RUN --to pytest`.
    """
    from agentcli.cli.render.recordings import print_checked
    from agentcli.workbench.check_recordings import check_recordings, default_place, find_recordings, nothing_to_test
    from agentcli.workbench.deprecated_tools import deprecations_of

    session = session_of(ctx)
    with session.open() as bench:
        files = find_recordings([session.path(path) for path in paths or []] or [default_place(bench)])
        checked = list(check_recordings(bench, files, text))
        deprecated = list(deprecations_of(bench, (one.agent for one in checked)))
    if not checked:
        raise nothing_to_test(f"None of {len(files)} has `{text}` in its path or its agent's name.")
    if not all(one.same for one in checked):
        session.exit_code = CHECK_FAILED
    if junit is not None:
        from agentcli.cli.render.junit import write_junit

        write_junit(session.path(junit), checked)
    if session.flags.json:
        for one in checked:
            session.out.json(one.to_json())
    else:
        print_checked(session, checked)
    session.warn(deprecated)
