"""`agentcli tools list`: the tools that agents can be given."""

from __future__ import annotations

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli tools", "every tool, and what a call of it changes"),
    ("agentcli tools list --json", "one object a tool, with its schema"),
)


def command(ctx: typer.Context) -> None:
    """List the tools."""
    from agentcli.cli.render.tools import print_tools, tool_json
    from agentcli.workbench.list_tools import known_tools

    session = session_of(ctx)
    with session.open() as bench:
        known = known_tools(bench)
    if session.flags.json:
        for spec in known.specs:
            session.out.json(tool_json(spec))
    else:
        print_tools(session.out, known.specs)
    session.warn(known.problems)
