"""`agentcli tools list`: the tools that agents can be given."""

from __future__ import annotations

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli tools", "every tool, what a call of it changes, and whether it would be allowed here"),
    ("agentcli tools list --json", "one object a tool, with its schema"),
)


def command(ctx: typer.Context) -> None:
    """List the tools."""
    from agentcli.cli.render.tools import print_tools, tool_json
    from agentcli.workbench.list_tools import known_tools
    from agentcli.workbench.permissions_here import policy_here

    session = session_of(ctx)
    with session.open() as bench:
        policy, known = policy_here(bench).to_policy(), known_tools(bench)
    tools = [(spec, policy.outlook(spec)) for spec in known.specs]
    if session.flags.json:
        for spec, outlook in tools:
            session.out.json(tool_json(spec, outlook))
    else:
        print_tools(session.out, tools)
    session.warn(known.problems)
