"""`agentcli tools schema`: tools described for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import tool_names
from agentcli.cli.session import session_of
from agentcli.errors import UsageError

EXAMPLES = (
    ("agentcli tools schema read_lines", "the JSON Schema of its arguments"),
    ("agentcli tools schema --openapi > tools.json", "every tool as one OpenAPI 3.1 document"),
)


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOOL]", help="The tool's name; with --openapi it may be left out.", autocompletion=tool_names
        ),
    ] = None,
    as_openapi: Annotated[bool, typer.Option("--openapi", help="All tools, or one, as an OpenAPI document.")] = False,
) -> None:
    """Print the JSON Schema of a tool's arguments."""
    from agentcli.cli.render.items import pretty
    from agentcli.cli.render.tools import named_tools
    from agentcli.tools.openapi import json_schema, openapi

    session = session_of(ctx)
    with session.open() as bench:
        specs = named_tools(bench, name)[:1] if name else bench.tools.specs()
    if as_openapi:
        document = openapi(specs)
    elif name:
        document = json_schema(specs[0])
    else:
        raise UsageError(
            "E-USAGE-MISSING",
            "There is no tool named.",
            why="A JSON Schema describes one tool's arguments.",
            fix="Write `agentcli tools schema TOOL`, or add --openapi for all of them.",
        )
    session.out.line(pretty(document))
