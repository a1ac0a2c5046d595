"""One workflow as text: its steps in order, each with what it waits for, what it does and what surrounds that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agentcli.cli.render.items import print_block, print_fields
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.text import one_line, wrapped
from agentcli.workbench.workflow_views.steps import ActionView, StepView, steps_of

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedWorkflow

NEEDS_SHOWN = 6
PROMPT_WIDTH = 200
"""Characters of a prompt that are shown where the printer has no width; else what fits into two lines."""


def print_workflow(out: Printer, loaded: LoadedWorkflow) -> None:
    """Head, inputs, steps, output."""
    from agentcli.cli.render.inputs import input_text

    template = loaded.template
    out.line(out.style(template.name, "bold"))
    print_fields(
        out,
        [
            ("", one_line(template.description)),
            ("from", f"{loaded.source}, {loaded.path}"),
            ("steps", f"{len(template.steps)}, at most {template.concurrency} at a time"),
            ("on error", "the others go on" if template.on_error == "continue" else ""),
            ("agent", template.agent or ""),
            ("limits", ", ".join(f"{name} {value:g}" for name, value in template.limits.given().items())),
        ],
    )
    if template.inputs:
        print_block(out, "Inputs", "\n".join(input_text(name, spec) for name, spec in template.inputs.items()))
    out.line()
    out.line(out.style("Steps", "bold"))
    views = steps_of(template)
    for view in views:
        _step(out, view, last=view is views[-1])
    if template.output is not None:
        print_block(out, "Output", template.output)


def _step(out: Printer, view: StepView, *, last: bool) -> None:
    glyphs = out.glyphs
    name = f"{view.id} ({one_line(view.name)})" if view.name else view.id
    head, rest = (glyphs.last, "  ") if last else (glyphs.branch, glyphs.pipe)
    after = _after(view)
    text = f"{name}  {_doing(view.action)}" + (f", {after}" if after else "")
    width = out.width and out.width - len(head) - 1
    first, *more = wrapped(text, width, indent="    ")
    out.line(
        f"{head} {out.style(name, 'bold')}{first.removeprefix(name)}" if first.startswith(name) else f"{head} {first}"
    )
    for line in [*more, *(f"  {part}" for detail in _details(view, width) for part in detail)]:
        out.line(f"{rest} {line}".rstrip())


def _details(view: StepView, width: int | None) -> Iterator[list[str]]:
    room = width and width - 2
    for line in view.around:
        yield wrapped(one_line(line), room, indent="  ")
    if view.fallback is not None:
        yield [f"if it fails: {view.fallback}"]
    if view.action.prompt:
        yield wrapped(one_line(view.action.prompt, 2 * room if room else PROMPT_WIDTH), room)
    for value, action in view.cases:
        told = f": {one_line(action.prompt, 60)}" if action.prompt else ""
        yield wrapped(f"{'else' if value is None else one_line(value)}: {_doing(action)}{told}", room, indent="  ")


def _doing(action: ActionView) -> str:
    subject = one_line(action.subject)
    if action.kind == "prompt":
        return f"asks {subject}" if subject else "asks"
    return {"tool": "calls", "workflow": "carries out", "switch": "chooses by"}[action.kind] + f" {subject}"


def _after(view: StepView) -> str:
    others = [need for need in view.needs if need != view.stands_in]
    parts = [f"only if {view.stands_in} fails"] if view.stands_in is not None else []
    if others:
        parts.append(f"after {_listed(others)}")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    shown = names[:NEEDS_SHOWN]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
