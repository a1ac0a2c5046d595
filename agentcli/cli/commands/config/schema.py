"""`agentcli config schema`: JSON Schemas for editors and programs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli config schema agent", "what an agent's file may say"),
    ("agentcli config schema config > schema.json", "what agentcli.yaml may say, for an editor"),
    ("agentcli config schema events", "the lines that --json prints"),
)

Format = Literal["agent", "workflow", "config", "events"]


def command(
    ctx: typer.Context,
    what: Annotated[Format, typer.Argument(metavar="WHAT", help="agent, workflow, config or events.")],
) -> None:
    """Print the JSON Schema of a file format."""
    from agentcli.cli.render.items import pretty

    session = session_of(ctx)
    session.out.line(pretty(_schema(what)))


def _schema(what: Format) -> object:
    if what == "events":
        from agentcli.workbench.event_schema import event_schema

        return event_schema()
    from agentcli.workbench.file_schema import file_schema

    return file_schema(what)
