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
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.cli.render.tools import described, permission, tool_json
    from agentcli.workbench.permissions_here import policy_here

    session = session_of(ctx)
    with session.open() as bench:
        policy = policy_here(bench).to_policy()
        tools = [(spec, bench.tools.source(spec.name), policy.outlook(spec)) for spec in bench.tools.specs()]
    if session.flags.json:
        for spec, source, outlook in tools:
            session.out.json(tool_json(spec, source, outlook))
        return
    columns = (
        Column("TOOL"),
        Column("VERSION", drop=3),
        Column("CHANGES", drop=1),
        Column("HERE"),
        Column("SOURCE", drop=2),
        Column("DESCRIPTION", least=20),
    )
    rows = [
        [Cell(spec.name, ("bold",)), spec.version, spec.effects, permission(outlook), source, described(spec)]
        for spec, source, outlook in tools
    ]
    print_table(session.out, columns, rows)
