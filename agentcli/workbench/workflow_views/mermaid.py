"""A workflow as a flowchart in the words of Mermaid, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcli.core.workflows import ActionKind
from agentcli.workbench.workflow_views.labels import label
from agentcli.workbench.workflow_views.steps import StepView

_SHAPES: dict[ActionKind, tuple[str, str]] = {
    "prompt": ("[", "]"),
    "tool": ("([", "])"),
    "workflow": ("[[", "]]"),
    "switch": ("{{", "}}"),
}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,:/…")


def mermaid(views: Sequence[StepView]) -> str:
    """The chart, one line a step and one a need; a dotted line leads to a fallback."""
    return "\n".join(["flowchart TD", *_lines(views)]) + "\n"


def _lines(views: Sequence[StepView]) -> Iterator[str]:
    names = {view.id: f"n{number}" for number, view in enumerate(views, 1)}  # a step may be called `end`
    for view in views:
        begin, end = _SHAPES[view.action.kind]
        text = "<br/>".join(map(_escaped, label(view)))
        yield f'  {names[view.id]}{begin}"{text}"{end}'
    for view in views:
        for need in view.needs:
            line = "-. fails .->" if need == view.stands_in else "-->"
            yield f"  {names[need]} {line} {names[view.id]}"


def _escaped(text: str) -> str:
    """Mermaid reads Markdown, HTML and its own entities in a text: whatever is no plain letter is written as a code."""
    return "".join(char if char in _LETTERS or char.isalpha() else f"#{ord(char)};" for char in text)
