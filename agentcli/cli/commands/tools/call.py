"""`agentcli tools call`: one tool, by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agentcli.cli import parameters
from agentcli.cli.completions import call_words, tool_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli tools call read_lines path=README.md end=5", "a tool and its arguments"),
    ("agentcli tools call grep_file path=app.log pattern='(?i)error' -q", "the result alone"),
    ("agentcli tools call create_file path=notes.txt content=@draft.txt", "an argument from a file; it asks first"),
    ("agentcli tools call edit_file --args @call.json -y", "all arguments as JSON; every ask is answered with yes"),
)


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TOOL", help="The tool's name.", autocompletion=tool_names)],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[K=V]...", help="Arguments: k=v, k=@file or k:=JSON.", autocompletion=call_words),
    ] = None,
    args: Annotated[
        str | None,
        typer.Option("--args", metavar="JSON|@FILE", help="All arguments as one JSON object; K=V goes before it."),
    ] = None,
    workspace: Annotated[
        Path | None,
        parameters.workspace("The folder that the tool works in, instead of the project's or the current one."),
    ] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
) -> None:
    """Call one tool by hand, under the same permissions as an agent's call, on record.

    The result goes to standard output. Exit 0 where it worked, 1 where it did not, 5 where it was not permitted.
    """
    from agentcli.cli.execution import carry_out
    from agentcli.cli.render.tools import named_tools
    from agentcli.cli.words import Reader
    from agentcli.workbench.run_tool import CallRequest, run_tool

    session = session_of(ctx)
    reader = Reader(session.env)
    options = session.options(workspace=workspace, yes=yes, allow=allow or (), private=allow_private or ())
    with session.open(options) as bench:
        named_tools(bench, name)  # a name on the command line that is not there is told with the nearest one
        request = CallRequest(name, reader.arguments(pairs or (), args))
        carry_out(session, partial(run_tool, bench, request), stdin_is_data=False, asks_model=False)
