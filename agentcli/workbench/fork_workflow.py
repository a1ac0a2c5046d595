"""Forking the run of a workflow: where a step begins on record, and what is to be different in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from agentcli.core.events import Event
from agentcli.engine.workflow.ports import Place
from agentcli.errors import UsageError
from agentcli.workbench.going_on import workflow_on
from agentcli.workbench.workflow_plan import WorkflowPlan
from agentcli.workbench.workflow_terms import WorkflowTerms

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


def before_step(events: Sequence[Event], step: str) -> int:
    """The seq of the last event before the step (`a.b`: step `b` of the workflow in step `a`) has one.

    Raises UsageError E-FORK-STEP.
    """
    for event in events:
        if event.step is not None and (event.step == step or event.step.startswith(f"{step}.")):
            return event.seq - 1
    raise unknown_step(step, list(dict.fromkeys(event.step for event in events if event.step is not None)))


def unknown_step(step: str, steps: Sequence[str]) -> UsageError:
    """The error for a step that the run did not come to."""
    from agentcli.definitions.nearest import listed, suggestion

    return UsageError(
        "E-FORK-STEP",
        f"The run has no step `{step[:100]}` on record.",
        why=f"It has: {listed(steps, 20)}." if steps else "It is no run of a workflow, or began no step.",
        fix=suggestion(step, steps, "See `agentcli runs show RUN`."),
    )


def planned_workflow(
    bench: Workbench,
    plan: WorkflowPlan,
    limits: Mapping[str, float],
    models: Sequence[str],
    texts: Mapping[str, str],
    step: str | None,
) -> WorkflowPlan:
    """The plan in force after the cut. `texts` holds another `prompt`, other `instructions`, for the step.

    Raises UsageError E-FORK-STEP where it is not said which step is meant.
    """
    plan = workflow_on(bench, plan, limits, models)
    if not texts:
        return plan
    if step is None:
        raise UsageError(
            "E-FORK-STEP",
            f"Which step is the other `--{next(iter(texts))}` for?",
            why="The run is one of a workflow, and each of its steps has its own.",
            fix="Name the step with `--at STEP`, such as `--at draft`.",
        )
    flow, step_id = _place(plan, step)
    redact = bench.redactor.redact
    if "prompt" in texts:
        plan = replace(plan, prompts={**plan.prompts, f"{flow}/{step_id}": redact(texts["prompt"])})
    if "instructions" in texts:
        name = WorkflowTerms(plan).agent_name(Place(flow, step_id))
        agent = replace(plan.agents[name], instructions=redact(texts["instructions"]))
        plan = replace(plan, agents={**plan.agents, name: agent})
    return plan


def _place(plan: WorkflowPlan, step: str) -> tuple[str, str]:
    """The key of the workflow that the step stands in, and its id there; it must be one that asks."""
    terms, flow = WorkflowTerms(plan), plan.workflow
    *outer, step_id = step.split(".")
    for name in outer:
        inner = terms.steps[flow].get(name)
        if inner is None or inner.workflow is None:
            raise unknown_step(step, list(terms.steps[flow]))
        flow = inner.workflow
    found = terms.steps[flow].get(step_id)
    if found is None:
        raise unknown_step(step, list(terms.steps[flow]))
    if found.prompt is None:
        raise UsageError(
            "E-FORK-STEP",
            f"The step `{step}` has no prompt of its own.",
            why=f"It is a `{found.kind}`.",
            fix="Name a step that asks an agent.",
        )
    return flow, step_id
