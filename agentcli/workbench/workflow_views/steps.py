"""The steps of a workflow in the order in which they run, each with what it does, waits for and is surrounded by."""

from __future__ import annotations

import json
from collections.abc import Iterator

from agentcli.core.canonical import Json
from agentcli.core.graphs import Graph
from agentcli.core.values import value
from agentcli.core.workflows import (
    Action,
    ActionKind,
    Fallback,
    ForeachFile,
    ForeachRange,
    Step,
    WorkflowTemplate,
)


@value(frozen=True, slots=True)
class ActionView:
    """What is done: the kind, of whom (an agent, a tool, a workflow; "" for the settings' agent), and the prompt."""

    kind: ActionKind
    subject: str
    prompt: str = ""


@value(frozen=True, slots=True)
class StepView:
    """One step. `layer` counts from 0: a step stands in a later one than all that it waits for.

    `stands_in` is the step whose fallback it is, `fallback` its own. `cases` are those of a `switch`, by value; the
    last one may be None for the default. `around` says in words what surrounds the action.
    """

    id: str
    name: str
    action: ActionView
    needs: tuple[str, ...]
    stands_in: str | None
    fallback: str | None
    cases: tuple[tuple[str | None, ActionView], ...]
    around: tuple[str, ...]
    layer: int


def steps_of(template: WorkflowTemplate) -> tuple[StepView, ...]:
    """All steps of a valid template, in the order in which they would run one by one."""
    graph = Graph.of(template)
    steps = dict(zip(graph.ids, template.steps, strict=True))
    layers: dict[str, int] = {}
    for step_id in graph.order:
        layers[step_id] = 1 + max((layers[need] for need in graph.waits[step_id]), default=-1)
    return tuple(_view(step_id, steps[step_id], graph, layers[step_id], template.agent) for step_id in graph.order)


def _view(step_id: str, step: Step, graph: Graph, layer: int, agent: str | None) -> StepView:
    return StepView(
        step_id,
        step.name,
        _action(step, agent),
        graph.needs[step_id],
        graph.stands_in.get(step_id),
        step.on_error.fallback if isinstance(step.on_error, Fallback) else None,
        tuple(_cases(step, agent)),
        tuple(_around(step)),
        layer,
    )


def _action(action: Action, agent: str | None) -> ActionView:
    if isinstance(action, Step) and action.switch is not None:
        return ActionView("switch", action.switch)
    if action.prompt is not None:
        return ActionView("prompt", action.agent or agent or "", action.prompt)
    return ActionView(action.kind, action.tool or action.workflow or "")


def _cases(step: Step, agent: str | None) -> Iterator[tuple[str | None, ActionView]]:
    for case, action in step.cases.items():
        yield case, _action(action, agent)
    if step.default is not None:
        yield None, _action(step.default, agent)


def _around(step: Step) -> Iterator[str]:
    """In the order in which they surround the action, the outermost first."""
    if step.when is not True:
        yield f"when {step.when if isinstance(step.when, str) else 'never'}"
    if step.foreach is not None:
        yield f"for each of {_items(step.foreach)}"
    if step.retry.attempts > 1:
        delay = f", {step.retry.delay:g} s before the second" if step.retry.delay else ""
        yield f"up to {step.retry.attempts} tries{delay}"
    if step.timeout is not None:
        yield f"at most {step.timeout:g} s a try"
    if step.until is not None:
        otherwise = "fails" if step.until.otherwise == "fail" else "keeps the last output"
        yield f"until {step.until.condition}, at most {step.until.rounds} rounds, then it {otherwise}"
    if limits := step.limits.given():
        yield "limits: " + ", ".join(f"{name} {value:g}" for name, value in limits.items())
    if step.on_error in ("stop", "continue"):
        yield "a failure stops the workflow" if step.on_error == "stop" else "a failure does not stop the others"


def _items(foreach: list[Json] | str | ForeachRange | ForeachFile) -> str:
    if isinstance(foreach, ForeachRange):
        return f"{foreach.first} to {foreach.last}"
    if isinstance(foreach, ForeachFile):
        return f"the rows of {foreach.file}"
    if isinstance(foreach, str):
        return foreach
    shown = json.dumps(foreach[:5], ensure_ascii=False)
    return shown if len(foreach) <= 5 else f"{shown[:-1]}, … {len(foreach)} in all]"
