"""`agentcli tools show`: one tool."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import tool_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli tools show read_lines", "its arguments, examples, and what it changes"),
    ("agentcli tools show read_lines --json", "the same as one object"),
)


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TOOL", help="The tool's name.", autocompletion=tool_names)],
) -> None:
    """Show one tool: arguments, examples, what it changes, whether it would be allowed here."""
    from agentcli.cli.render.tools import named_tools, print_tool, tool_json
    from agentcli.workbench.permissions_here import policy_here

    session = session_of(ctx)
    with session.open() as bench:
        specs, policy = named_tools(bench, name), policy_here(bench).to_policy()
        options = {} if specs[0].source else bench.tools.options_schema(name)
    for number, spec in enumerate(specs):
        outlook = policy.outlook(spec)
        if session.flags.json:
            session.out.json({**tool_json(spec, outlook), "options": options})
            continue
        if number:
            session.out.line()
        print_tool(session.out, spec, outlook, options)
