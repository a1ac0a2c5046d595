"""`agentcli models pull`: download an embedded model and check it."""

from __future__ import annotations

from typing import Annotated

import typer

from agentcli.cli.completions import pulled_names
from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli models pull coder-1.5b", "1.1 GB, once; goes on where it stopped"),
    ("agentcli models pull coder-0.5b --force", "fetch it anew"),
)


def command(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="coder-1.5b or coder-0.5b.", autocompletion=pulled_names),
    ],
    force: Annotated[bool, typer.Option("--force", help="Fetch it again even if it is here.")] = False,
) -> None:
    """Download an embedded model and check it.

    Nothing whose SHA-256 differs from the catalog's is ever used. What was downloaded before an interruption is kept.
    """
    from agentcli.cli.interrupts import run_to_end
    from agentcli.cli.render.download import download_view
    from agentcli.workbench.pull_model import pull_model

    session = session_of(ctx)
    with session.open() as bench, download_view(session) as view:
        path = run_to_end(pull_model(bench, name, view.told, force=force), on_kill=view.restore)
    if session.flags.json:
        session.out.json({"model": name.removeprefix("local:"), "path": str(path)})
    else:
        session.out.line(str(path))
