"""`agentcli tools schema`: tools described for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agentcli.cli.completions import tool_names
from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from agentcli.core.tools import ToolSpec
    from agentcli.workbench.wiring import Workbench

EXAMPLES = (
    ("agentcli tools schema read_lines", "the JSON Schema of its arguments"),
    ("agentcli tools schema > tools.json", "every tool here, your own and those of packages too, as a list"),
    ("agentcli tools schema --format openapi", "every tool as one OpenAPI 3.1 document"),
    ("agentcli tools schema --format anthropic", "every tool as an entry of a Messages request"),
)

Format = Literal["json-schema", "openapi", "openai", "anthropic"]


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOOL]",
            help="The tool's name; without one, all of them.",
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
    """Print the schema of a tool's arguments, or of all tools, for other programs.

    No code of a project runs for it.
    """
    from agentcli.cli.render.items import pretty

    session = session_of(ctx)
    with session.open() as bench:
        specs = [_named(bench, name)] if name else _all(session, bench)
    session.out.line(pretty(_document("openapi" if as_openapi else form, specs, one=name is not None)))


def _named(bench: Workbench, name: str) -> ToolSpec:
    from agentcli.cli.render.tools import named_tools
    from agentcli.workbench.list_tools import ambiguous

    found = named_tools(bench, name)
    if len(found) > 1:
        raise ambiguous(found)
    return found[0]


def _all(session: Session, bench: Workbench) -> list[ToolSpec]:
    """Every tool that a name stands for; what cannot be described is told on standard error."""
    from agentcli.workbench.list_tools import known_tools

    known = known_tools(bench)
    specs, ambiguous = known.apart()
    session.warn([*known.problems, *ambiguous])
    return specs


def _document(form: Format, specs: Sequence[ToolSpec], *, one: bool) -> Any:
    from agentcli.tools.openapi import anthropic_tool, json_schema, openai_tool, openapi

    if form == "openapi":
        return openapi(specs)
    describe = {"json-schema": json_schema, "openai": openai_tool, "anthropic": anthropic_tool}[form]
    entries = [describe(spec) for spec in specs]
    return entries[0] if one else entries
