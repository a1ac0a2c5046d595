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
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.cli.render.tools import tool_json

    session = session_of(ctx)
    with session.open() as bench:
        specs = bench.tools.specs()
    if session.flags.json:
        for spec in specs:
            session.out.json(tool_json(spec))
        return
    columns = (Column("TOOL"), Column("CHANGES", drop=1), Column("DESCRIPTION", least=20))
    rows = [[Cell(spec.name, ("bold",)), spec.effects, spec.description] for spec in specs]
    print_table(session.out, columns, rows)
