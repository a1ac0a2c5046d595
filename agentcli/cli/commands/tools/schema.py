"""`agentcli tools schema`: tools described for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agentcli.cli.completions import tool_names
from agentcli.cli.session import session_of
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.core.tools import ToolSpec

EXAMPLES = (
    ("agentcli tools schema read_lines", "the JSON Schema of its arguments"),
    ("agentcli tools schema --format openapi > tools.json", "every tool as one OpenAPI 3.1 document"),
    ("agentcli tools schema --format anthropic", "every tool as an entry of a Messages request"),
)

Format = Literal["json-schema", "openapi", "openai", "anthropic"]


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOOL]",
            help="The tool's name; it may be left out for all formats but json-schema.",
            autocompletion=tool_names,
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="json-schema, openapi, or as model APIs take it: openai, anthropic.",
        ),
    ] = "json-schema",
    as_openapi: Annotated[bool, typer.Option("--openapi", help="Short for --format openapi.")] = False,
) -> None:
    """Print the schema of a tool's arguments, or of all tools, for other programs."""
    from agentcli.cli.render.items import pretty
    from agentcli.cli.render.tools import named_tools

    session = session_of(ctx)
    with session.open() as bench:
        specs = named_tools(bench, name)[:1] if name else bench.tools.specs()
    session.out.line(pretty(_document("openapi" if as_openapi else form, specs, one=name is not None)))


def _document(form: Format, specs: Sequence[ToolSpec], *, one: bool) -> Any:
    from agentcli.tools.openapi import anthropic_tool, json_schema, openai_tool, openapi

    if form == "openapi":
        return openapi(specs)
    if form == "json-schema":
        if not one:
            raise UsageError(
                "E-USAGE-MISSING",
                "There is no tool named.",
                why="A JSON Schema describes one tool's arguments.",
                fix="Write `agentcli tools schema TOOL`, or choose another `--format` for all of them.",
            )
        return json_schema(specs[0])
    entries = [(openai_tool if form == "openai" else anthropic_tool)(spec) for spec in specs]
    return entries[0] if one else entries
