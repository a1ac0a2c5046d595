"""`agentcli agents list`: the agents that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from agentcli.cli.session import session_of

if TYPE_CHECKING:
    from agentcli.catalog.catalog import Listed
    from agentcli.core.agents import AgentTemplate

EXAMPLES = (
    ("agentcli agents", "their names, where they come from, what they do"),
    ("agentcli agents list --json", "one object an agent"),
)


def command(ctx: typer.Context) -> None:
    """List the agents of this project, of yours, and the built-in ones."""
    from agentcli.cli.render.problems import print_error
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.cli.render.text import one_line

    session = session_of(ctx)
    with session.open() as bench:
        listing = bench.catalog.agent_listing()
    if session.flags.json:
        for item in listing.valid:
            session.out.json(_json(item))
    else:
        columns = (Column("AGENT"), Column("FROM", drop=1), Column("MODEL", least=10, drop=2), Column("", least=20))
        rows = [
            [
                Cell(item.name, ("bold",) if item.template.enabled else ("dim",)),
                item.source,
                ", ".join(item.template.model or ("-",)),
                one_line(item.description) + ("" if item.template.enabled else " (disabled)"),
            ]
            for item in listing.valid
        ]
        print_table(session.out, columns, rows)
    for broken in listing.broken:
        print_error(session.err, broken.error.info, label="warning")


def _json(item: Listed[AgentTemplate]) -> dict[str, Any]:
    return {
        "name": item.name,
        "description": item.description,
        "source": item.source,
        "path": str(item.path),
        "enabled": item.template.enabled,
        "model": list(item.template.model) if item.template.model else None,
        "custom": item.template.code is not None,
        "tools": [use.python_file or use.name for use in item.template.tools],
        "shadowed": [str(path) for path in item.shadowed],
    }
