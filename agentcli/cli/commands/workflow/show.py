"""`agentcli workflow show`: one workflow, as text, as a chart or as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import workflow_names
from agentcli.cli.session import session_of
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedWorkflow
    from agentcli.cli.session import Session

EXAMPLES = (
    ("agentcli workflow show release-notes", "its steps in order: what each does, waits for and is surrounded by"),
    ("agentcli workflow show ./draft.yaml --mermaid", "a flowchart for a Markdown file"),
    ("agentcli workflow show release-notes --svg -o graph.svg", "a picture of its graph, in one file"),
)

STDOUT = "-"


def command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="The workflow's name or file.", autocompletion=workflow_names)
    ],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a flowchart in Mermaid's words.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Print a picture of the graph, as SVG.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the chart or picture goes; - is standard output, the default."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Show one workflow: its steps in order, with what each waits for."""
    if mermaid and svg:
        raise _one_form("Two forms are asked for.", "Write either `--mermaid` or `--svg`.")
    if output is not None and not (mermaid or svg):
        raise _one_form("`-o` is given without a form.", "Add `--mermaid` or `--svg`.")
    session = session_of(ctx)
    with session.open() as bench:
        loaded = bench.catalog.workflow(name)
    if mermaid or svg:
        _draw(session, loaded, "svg" if svg else "mermaid", output or STDOUT, force)
    elif session.flags.json:
        from agentcli.workbench.workflow_views.as_json import workflow_json

        session.out.json(workflow_json(loaded))
    else:
        from agentcli.cli.render.workflow_tree import print_workflow

        print_workflow(session.out, loaded)


def _draw(session: Session, loaded: LoadedWorkflow, form: str, target: str, force: bool) -> None:
    from agentcli.workbench.workflow_views.mermaid import mermaid
    from agentcli.workbench.workflow_views.steps import steps_of
    from agentcli.workbench.workflow_views.svg import svg
    from agentcli.workbench.write_files import write_files

    views = steps_of(loaded.template)
    text = svg(views, loaded.template.name) if form == "svg" else mermaid(views)
    if target == STDOUT:
        session.out.write(text)
        return
    ending = "svg" if form == "svg" else "mmd"
    data = text.encode()
    file = write_files([(f"{loaded.template.name}.{ending}", data)], session.path(target), force=force)
    if session.flags.json:
        session.out.json({"workflow": loaded.template.name, "format": form, "file": str(file), "bytes": len(data)})
        return
    here = file.is_relative_to(session.env.cwd)
    session.out.line(session.out.untrusted(str(file.relative_to(session.env.cwd) if here else file)))


def _one_form(what: str, fix: str) -> UsageError:
    return UsageError("E-USAGE-FORM", what, why="A workflow is drawn in one form at a time.", fix=fix)
