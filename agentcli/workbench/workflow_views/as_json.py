"""A workflow for programs: what its file says, and what its graph comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcli.workbench.workflow_views.steps import StepView, steps_of

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedWorkflow
    from agentcli.core.workflows import Step


def workflow_json(loaded: LoadedWorkflow) -> dict[str, Any]:
    """The template as it is understood: steps in the order in which they would run, each with its id and needs.

    `kind` is the step's action, `fallback_of` the step that it stands in for; what is as by default is left out.
    """
    template = loaded.template
    steps = dict(zip(template.step_ids(), template.steps, strict=True))
    whole = template.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"steps"})
    return {
        **whole,
        "source": loaded.source,
        "path": str(loaded.path),
        "steps": [_step(view, steps[view.id]) for view in steps_of(template)],
    }


def _step(view: StepView, step: Step) -> dict[str, Any]:
    said = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    known: dict[str, Any] = {"id": view.id, "kind": view.action.kind, "needs": list(view.needs), "layer": view.layer}
    if view.stands_in is not None:
        known["fallback_of"] = view.stands_in
    return {**known, **{name: value for name, value in said.items() if name not in known}}
