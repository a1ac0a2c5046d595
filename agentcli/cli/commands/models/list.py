"""`agentcli models list`: the model that would be used, and those that this machine can run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from agentcli.cli.session import session_of

if TYPE_CHECKING:
    from agentcli.cli.render.printer import Printer
    from agentcli.workbench.list_models import Embedded, ModelsView

EXAMPLES = (
    ("agentcli models", "what an agent that names no model would use, and why"),
    ("agentcli models list --json", "one object a model"),
)


def command(ctx: typer.Context) -> None:
    """Say which model would be used and why, and list the embedded ones."""
    from agentcli.workbench.list_models import list_models

    session = session_of(ctx)
    with session.open() as bench:
        view = asyncio.run(list_models(bench))
    if session.flags.json:
        for item in _json(view):
            session.out.json(item)
    else:
        _print_choice(session.out, view, everything=session.flags.verbose)
        _print_embedded(session.out, view.embedded)


def _json(view: ModelsView) -> list[dict[str, Any]]:
    looked_at = {item.model: item for item in view.considered}
    names = list(dict.fromkeys([*view.chosen, *looked_at, *(f"local:{item.model.name}" for item in view.embedded)]))
    embedded = {f"local:{item.model.name}": item for item in view.embedded}
    return [_model_json(name, view, looked_at, embedded) for name in names]


def _model_json(name: str, view: ModelsView, looked_at: dict[str, Any], embedded: dict[str, Any]) -> dict[str, Any]:
    chosen = name in view.chosen
    seen, own = looked_at.get(name), embedded.get(name)
    usable = seen.usable if seen else own.pulled if own else True
    why = view.reason if chosen else seen.why if seen else "It is pulled." if usable else "It is not pulled."
    out: dict[str, Any] = {"model": name, "chosen": chosen, "usable": usable, "why": why}
    if own is not None:
        facts = own.model
        out |= {"size": facts.size, "sha256": facts.sha256, "licence": facts.licence, "description": facts.description}
    return out


def _print_choice(out: Printer, view: ModelsView, *, everything: bool) -> None:
    from agentcli.cli.render.text import one_line, wrapped

    if view.chosen:
        lines = [f"{', then '.join(view.chosen)} would be used: {one_line(view.reason)}"]
    else:
        ways_out = "Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY."
        lines = [f"No model can be used. {one_line(view.reason)}", ways_out]
    for line in wrapped("\n".join(lines), out.width):
        out.line(out.style(line, "bold"))
    shown = [item for item in view.considered if everything or item.usable]
    for item in shown:
        sign = out.style(out.glyphs.ok, "green") if item.usable else out.style(out.glyphs.dot, "dim")
        out.line(f"  {sign} {one_line(item.model)}: {one_line(item.why)}")
    if len(shown) < len(view.considered):
        out.line(out.style("  -v shows what else was looked for.", "dim"))


def _print_embedded(out: Printer, embedded: tuple[Embedded, ...]) -> None:
    from agentcli.cli.render.quantity import size
    from agentcli.cli.render.table import Cell, Column, print_table

    columns = (
        Column("EMBEDDED"),
        Column("SIZE", right=True),
        Column("HERE"),
        Column("LICENCE", drop=2),
        Column("GOOD FOR", least=16, drop=1),
    )
    rows = [
        [
            Cell(f"local:{item.model.name}", ("bold",)),
            size(item.model.size),
            Cell("yes", ("green",)) if item.pulled else "no",
            item.model.licence,
            item.model.description,
        ]
        for item in embedded
    ]
    out.line()
    print_table(out, columns, rows)
