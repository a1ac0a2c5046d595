"""The step graph of a workflow template: ids, needs, cycles, and the names that each step may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentcli.catalog.checks import Check, input_names
from agentcli.catalog.rendering import Names
from agentcli.core.canonical import Json
from agentcli.core.workflows import Step, WorkflowTemplate
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.yaml_source import Path


def check_workflow(template: WorkflowTemplate, stem: str, check: Check) -> None:
    """Everything about a workflow that its fields alone do not tell."""
    check.name(template.name, stem)
    check.uncut(("description",))
    check.inputs(template.inputs)
    _agent(template.agent, ("agent",), check)
    before = _ancestors(template, check)
    names = input_names(template.inputs)
    for index, (step_id, step) in enumerate(zip(template.step_ids(), template.steps, strict=True)):
        _step(step, ("steps", index), {**names, "steps": frozenset(before[step_id])}, check)
    check.text(("output",), {**names, "steps": frozenset(template.step_ids())})


def needs_of(template: WorkflowTemplate) -> dict[str, tuple[str, ...]]:
    """What each step waits for, by id: what it says, or the step before it."""
    ids = template.step_ids()
    needs: dict[str, tuple[str, ...]] = {}
    for index, (step_id, step) in enumerate(zip(ids, template.steps, strict=True)):
        needs[step_id] = step.needs if step.needs is not None else tuple(ids[index - 1 : index] if index else ())
    return needs


def _ancestors(template: WorkflowTemplate, check: Check) -> dict[str, set[str]]:
    """Every step that is done before a step begins, by id. Problems of the graph are noted on the way."""
    ids = template.step_ids()
    _unique(ids, check)
    needs = needs_of(template)
    for index, step in enumerate(template.steps):
        for place, need in enumerate(step.needs or ()):
            if need not in needs:
                fix = suggestion(need, ids, "Name one of them.")
                path = ("steps", index, "needs", place)
                check.add("UNKNOWN-STEP", f"There is no step `{need}`.", f"There are: {listed(ids)}.", fix, path)
    before: dict[str, set[str]] = {step_id: _reached(step_id, needs) for step_id in needs}
    in_cycle = [step_id for step_id in ids if step_id in before[step_id]]
    if in_cycle:
        why = f"These steps wait for each other: {', '.join(in_cycle)}."
        at: Path = ("steps", ids.index(in_cycle[0]), "needs")
        check.add("CYCLE", f"The step `{in_cycle[0]}` waits for itself.", why, "Remove one of their `needs`.", at)
    return before


def _reached(start: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(needs[start])
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting.extend(needs.get(step, ()))
    return reached


def _unique(ids: Sequence[str], check: Check) -> None:
    first: dict[str, int] = {}
    for index, step_id in enumerate(ids):
        if step_id in first:
            why = f"Step {first[step_id] + 1} has the same id; unnamed steps are called by their place."
            what = f"Two steps are called `{step_id}`."
            check.add("DUPLICATE-STEP", what, why, "Rename one of them.", ("steps", index, "id"))
        first.setdefault(step_id, index)


def _step(step: Step, path: Path, names: Names, check: Check) -> None:
    check.text((*path, "foreach"), names)
    inner = {**names, "item": None} if step.foreach is not None else names
    check.text((*path, "when"), inner)
    check.text((*path, "prompt") if (*path, "prompt") == check.source.known((*path, "prompt")) else path, inner)
    _values(step.with_, (*path, "with"), inner, check)
    check.models(step.model, (*path, "model"))
    _agent(step.agent, (*path, "agent"), check)
    if step.tool is not None:
        check.tool(step.tool, (*path, "tool"))


def _values(value: Json, path: Path, names: Names, check: Check) -> None:
    """Every text inside a tool's arguments."""
    if isinstance(value, str):
        check.text(path, names)
    elif isinstance(value, dict):
        for key, item in value.items():
            _values(item, (*path, key), names, check)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _values(item, (*path, index), names, check)


def _agent(name: str | None, path: Path, check: Check) -> None:
    agents = check.known.agents
    if name is not None and agents is not None and name not in agents:
        fix = suggestion(name, agents, "See `agentcli agents list`.")
        check.add("UNKNOWN-AGENT", f"There is no agent `{name}`.", f"There are: {listed(agents)}.", fix, path)
