"""`agentcli workflow list`: the workflows that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from agentcli.cli.session import session_of

if TYPE_CHECKING:
    from agentcli.catalog.catalog import Listed
    from agentcli.core.workflows import WorkflowTemplate

EXAMPLES = (
    ("agentcli workflow", "their names, where they come from, how many steps they have, what they do"),
    ("agentcli workflow list --json", "one object a workflow"),
)


def command(ctx: typer.Context) -> None:
    """List the workflows of this project, of yours, and the built-in ones."""
    from agentcli.cli.render.problems import print_error
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.cli.render.text import one_line

    session = session_of(ctx)
    with session.open() as bench:
        listing = bench.catalog.workflow_listing()
    if session.flags.json:
        for item in listing.valid:
            session.out.json(_json(item))
    else:
        columns = (
            Column("WORKFLOW"),
            Column("FROM", drop=1),
            Column("STEPS", right=True, drop=2),
            Column("", least=20),
        )
        rows = [
            [Cell(item.name, ("bold",)), item.source, str(len(item.template.steps)), one_line(item.description)]
            for item in listing.valid
        ]
        print_table(session.out, columns, rows)
    for broken in listing.broken:
        print_error(session.err, broken.error.info, label="warning")


def _json(item: Listed[WorkflowTemplate]) -> dict[str, Any]:
    return {
        "name": item.name,
        "description": item.description,
        "source": item.source,
        "path": str(item.path),
        "inputs": list(item.template.inputs),
        "steps": item.template.step_ids(),
        "shadowed": [str(path) for path in item.shadowed],
    }
