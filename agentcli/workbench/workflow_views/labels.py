"""What stands in the boxes of charts and pictures: short, on one line, without anything that could be read as more."""

from __future__ import annotations

from agentcli.core.safe_text import safe
from agentcli.workbench.workflow_views.steps import ActionView, StepView

WIDTH = 30
"""Characters of a line in a box."""


def label(view: StepView) -> tuple[str, str]:
    """The two lines of a step's box: what it is called, and what it does."""
    return short(view.name or view.id), short(doing(view.action))


def doing(action: ActionView) -> str:
    """The kind and of whom, in words."""
    if action.kind == "prompt":
        return f"prompt to {action.subject}" if action.subject else "prompt"
    return f"{action.kind} {action.subject}"


def marks(view: StepView) -> str:
    """What surrounds the action and what became of it, on one line, for a hint over the box."""
    cases = [f"{'else' if value is None else value}: {doing(action)}" for value, action in view.cases]
    parts = (doing(view.action), view.action.prompt, *view.around, *cases)
    return "; ".join(" ".join(safe(part).split()) for part in parts if part)


def short(text: str) -> str:
    """The text on one line of a box."""
    line = " ".join(safe(text).split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"
