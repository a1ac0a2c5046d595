"""`agentcli init`: make a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from agentcli.workbench.init_project import InitResult

EXAMPLES = (
    ("agentcli init my-project", "a project with agents, a workflow, a tool, and something to ask about"),
    ("agentcli init --template minimal", "settings and one agent, in this folder"),
    ("agentcli init --list", "the templates"),
)


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The project's folder; the current one without it.")
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="The template to begin with; see --list.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the template's files that are there.")] = False,
) -> None:
    """Make a project in a folder, and check it.

    The project is trusted, because you made it. Nothing that is there is overwritten without --force.
    """
    from agentcli.config.places import user_places
    from agentcli.workbench.init_project import DEFAULT_TEMPLATE, init_project

    session = session_of(ctx)
    if show_list:
        _list(session)
        return
    target = session.path(folder) if folder else session.env.cwd
    made = init_project(target, template or DEFAULT_TEMPLATE, force, user_places(session.env.environ))
    if session.flags.json:
        session.out.json(_json(made))
    elif session.flags.quiet:
        session.out.line(str(made.root))
    else:
        _print(session, made)


def _list(session: Session) -> None:
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.workbench.init_project import list_project_templates

    templates = list_project_templates()
    if session.flags.json:
        for one in templates:
            session.out.json({"name": one.name, "description": one.description})
    else:
        columns = (Column("TEMPLATE"), Column("DESCRIPTION", least=20))
        print_table(session.out, columns, [[Cell(one.name, ("bold",)), one.description] for one in templates])


def _json(made: InitResult) -> dict[str, object]:
    return {
        "root": str(made.root),
        "name": made.name,
        "template": made.template,
        "files": [path.as_posix() for path in made.files],
        "agents": list(made.agents),
        "workflows": list(made.workflows),
        "next_steps": list(made.next_steps),
    }


def _print(session: Session, made: InitResult) -> None:
    out = session.out
    out.line(f"{out.style(out.glyphs.ok, 'green')} {out.style(made.name, 'bold')} in {made.root}")
    for path in made.files:
        out.line(f"    {path.as_posix()}")
    loaded = "; ".join(_named(noun, names) for noun, names in (("agent", made.agents), ("workflow", made.workflows)))
    out.line(f"{out.style(out.glyphs.ok, 'green')} everything in it loads: {loaded}")
    out.line()
    out.line(out.style("Next:", "bold"))
    for step in made.next_steps:
        out.line(f"  {step}")


def _named(noun: str, names: tuple[str, ...]) -> str:
    return f"{noun if len(names) == 1 else f'{noun}s'} {', '.join(names) or '(none)'}"
