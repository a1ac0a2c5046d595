"""`agentcli models path`: where a pulled model is."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import pulled_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli models path coder-1.5b", "the path of its file"),
    ("agentcli models path", "the folder of all of them"),
)


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A pulled model.", autocompletion=pulled_names)
    ] = None,
) -> None:
    """Print the path of a pulled model."""
    from agentcli.workbench.pull_model import model_path

    session = session_of(ctx)
    with session.open() as bench:
        path = model_path(bench, name) if name else bench.models_dir
    if session.flags.json:
        session.out.json({"model": name, "path": str(path)})
    else:
        session.out.line(str(path))
