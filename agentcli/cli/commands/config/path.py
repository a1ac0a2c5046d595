"""`agentcli config path`: where things are."""

from __future__ import annotations

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ("agentcli config path", "the files that are read and the folders that are written"),
    ("agentcli config path --json", "the same as one object"),
)


def command(ctx: typer.Context) -> None:
    """Print the files and folders that are used."""
    from agentcli.cli.render.items import print_fields

    session = session_of(ctx)
    with session.open() as bench:
        paths = {
            "project": str(bench.project.root) if bench.project else None,
            "settings": [str(path) for path in bench.loaded.files],
            "workspace": str(bench.workspace),
            "journal": str(bench.journal_folder),
            "models": str(bench.models_dir),
            "config": str(bench.places.config),
            "data": str(bench.places.data),
            "cache": str(bench.places.cache),
        }
    if session.flags.json:
        session.out.json(paths)
        return
    shown = {name: "\n".join(value) if isinstance(value, list) else value or "none" for name, value in paths.items()}
    print_fields(session.out, [(name, value or "none") for name, value in shown.items()])
