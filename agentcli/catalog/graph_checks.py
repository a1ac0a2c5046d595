"""The step graph of a workflow: ids, needs, fallbacks, cycles, and files that two steps would write at once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from agentcli.catalog.checks import Check
from agentcli.core.graphs import Graph
from agentcli.core.workflows import Action, Fallback, Step, WorkflowTemplate
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.yaml_source import Path

WRITES: Mapping[str, tuple[str, ...]] = {
    "create_file": ("path",),
    "edit_file": ("path",),
    "move_file": ("from", "to"),
    "delete_file": ("path",),
}
"""The arguments of built-in tools that name a file which the call changes."""

MAX_TOLD = 12
"""Steps of a cycle that are named."""


def check_graph(template: WorkflowTemplate, graph: Graph, check: Check) -> None:
    """Everything about how the steps hang together."""
    places = {step_id: index for index, step_id in reversed(list(enumerate(template.step_ids())))}
    _unique(template.step_ids(), check)
    _needs(template, graph, check)
    _fallbacks(template, graph, places, check)
    for cycle in _cycles(graph):
        _tell_cycle(cycle, places, check)
    if template.concurrency > 1:
        _same_files(template, graph, places, check)


def _unique(ids: Sequence[str], check: Check) -> None:
    first: dict[str, int] = {}
    for index, step_id in enumerate(ids):
        if step_id in first:
            why = f"Step {first[step_id] + 1} has the same id; unnamed steps are called by their place."
            what = f"Two steps are called `{step_id}`."
            check.add("DUPLICATE-STEP", what, why, "Rename one of them.", ("steps", index, "id"))
        first.setdefault(step_id, index)


def _needs(template: WorkflowTemplate, graph: Graph, check: Check) -> None:
    for index, step in enumerate(template.steps):
        for place, need in enumerate(step.needs or ()):
            if need not in graph.bits:
                _unknown(need, graph, ("steps", index, "needs", place), check)


def _unknown(step_id: str, graph: Graph, path: Path, check: Check) -> None:
    if not check.problems.full:
        fix = suggestion(step_id, graph.ids, "Name one of them.")
        what, why = f"There is no step `{step_id}`.", f"There are: {listed(graph.ids)}."
        check.add("UNKNOWN-STEP", what, why, fix, path)


def _fallbacks(template: WorkflowTemplate, graph: Graph, places: Mapping[str, int], check: Check) -> None:
    for index, (step_id, step) in enumerate(zip(template.step_ids(), template.steps, strict=True)):
        if not isinstance(step.on_error, Fallback):
            continue
        path, other = ("steps", index, "on_error", "fallback"), step.on_error.fallback
        first = graph.stands_in.get(other, step_id)
        if other == step_id:
            why = "It would take its own place after it failed."
            check.add("FALLBACK", f"The step `{step_id}` is its own fallback.", why, "Name another step.", path)
        elif other not in graph.bits:
            _unknown(other, graph, path, check)
        elif first != step_id:
            why = f"Step {places[first] + 1}, `{first}`, names it as well."
            what = f"The step `{other}` is the fallback of two steps."
            check.add("FALLBACK", what, why, "Give each of them a fallback of its own.", path)


def _cycles(graph: Graph) -> Iterator[list[str]]:
    """Steps that wait for each other in a circle: each cycle that following the first open wait leads into."""
    done = set(graph.order)
    for start in graph.ids:
        way: dict[str, int] = {}
        step_id: str | None = start
        while step_id is not None and step_id not in done and step_id not in way:
            way[step_id] = len(way)
            step_id = next((need for need in graph.waits[step_id] if need in graph.bits and need not in done), None)
        if step_id in way:
            yield list(way)[way[step_id] :]
        done.update(way)


def _tell_cycle(cycle: list[str], places: Mapping[str, int], check: Check) -> None:
    turn = cycle.index(min(cycle, key=places.__getitem__))
    ordered = [*cycle[turn:], *cycle[:turn]]
    told = [f"`{step_id}`" for step_id in ordered[:MAX_TOLD]]
    if len(ordered) > MAX_TOLD:
        told.append(f"{len(ordered) - MAX_TOLD} more")
    why = f"The way is {', '.join(told)}, and `{ordered[0]}` again." if len(ordered) > 1 else "It needs itself."
    fix = "Remove one of their `needs` or fallbacks."
    path: Path = ("steps", places[ordered[0]], "needs")
    check.add("CYCLE", f"The step `{ordered[0]}` waits for itself.", why, fix, path)


# -- files that are written --------------------------------------------------------------------------------------


def _same_files(template: WorkflowTemplate, graph: Graph, places: Mapping[str, int], check: Check) -> None:
    """Of the steps that write one file, all earlier ones must be done before the next one begins."""
    writers: dict[str, int] = {}
    for step_id in graph.order:
        bit = graph.bits[step_id]
        for file, path in _written(template.steps[places[step_id]], places[step_id]):
            apart = writers.get(file, 0) & ~graph.before[step_id] & ~bit
            writers[file] = writers.get(file, 0) | bit
            if apart:
                other = graph.ids[apart.bit_length() - 1]
                why = f"`{other}` and `{step_id}` may run at the same time, and both change it."
                fix = f"Add `{other}` to the `needs` of `{step_id}`, or write another file."
                check.add("SAME-FILE", f"Two steps write `{file}`.", why, fix, path)


def _written(step: Step, index: int) -> Iterator[tuple[str, Path]]:
    """The files that a step's calls change, as far as they are written out, each with its place."""
    for action, path in actions_of(step, ("steps", index)):
        for argument in WRITES.get(action.tool or "", ()):
            value = action.with_.get(argument)
            if isinstance(value, str) and "{{" not in value and "{%" not in value:
                yield posixpath.normpath(value), (*path, "with", argument)


def actions_of(step: Step, path: Path) -> Iterator[tuple[Action, Path]]:
    """What a step may do: its action, or those that its `switch` chooses from; each with its place."""
    if step.switch is None:
        yield step, path
        return
    for value, action in step.cases.items():
        yield action, (*path, "cases", value)
    if step.default is not None:
        yield step.default, (*path, "default")
