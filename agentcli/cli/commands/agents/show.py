"""`agentcli agents show`: one agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import agent_names
from agentcli.cli.session import session_of

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedAgent
    from agentcli.cli.render.printer import Printer

EXAMPLES = (
    ("agentcli agents show reader", "its model, inputs, tools, permissions, limits and instructions"),
    ("agentcli agents show ./agents/mine.yaml", "an agent in a file; what is wrong with it is said with its line"),
)


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name or file.", autocompletion=agent_names)],
) -> None:
    """Show one agent as it is understood."""
    from agentcli.workbench.list_tools import names_of

    session = session_of(ctx)
    with session.open() as bench:
        loaded = bench.catalog.agent(name)
        tools = names_of(bench, loaded)
    if session.flags.json:
        template = loaded.template.model_dump(mode="json", by_alias=True, exclude_none=True)
        session.out.json({**template, "source": loaded.source, "path": str(loaded.path), "tool_names": tools})
    else:
        _print(session.out, loaded, tools)


def _print(out: Printer, loaded: LoadedAgent, tools: Sequence[str]) -> None:
    from agentcli.cli.render.inputs import input_text
    from agentcli.cli.render.items import pretty, print_block, print_fields

    template = loaded.template
    out.line(out.style(template.name, "bold") + ("" if template.enabled else out.style("  disabled", "yellow")))
    rules = template.permissions
    print_fields(
        out,
        [
            ("", template.description),
            ("from", f"{loaded.source}, {loaded.path}"),
            ("model", ", then ".join(template.model) if template.model else "what the settings say"),
            ("tools", ", ".join(tools) or "none"),
            ("allows", ", ".join(rules.allow)),
            ("asks for", ", ".join(rules.ask)),
            ("denies", ", ".join(rules.deny)),
            ("limits", _pairs(template.limits.given())),
            ("settings", _pairs(template.settings.given())),
        ],
    )
    if template.inputs:
        print_block(out, "Inputs", "\n".join(input_text(name, spec) for name, spec in template.inputs.items()))
    if template.instructions:
        print_block(out, "Instructions", template.instructions)
    if template.code is not None:
        print_block(out, "Code", template.code)
    if template.output is not None:
        print_block(out, "Output schema", pretty(template.output.schema_))


def _pairs(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in values.items())
