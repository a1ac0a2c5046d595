"""Everything about a workflow template that its fields alone do not tell."""

from __future__ import annotations

from pathlib import Path as File

from agentcli.catalog.checks import Check, check_output, check_permissions, check_tools, input_names
from agentcli.catalog.graph_checks import actions_of, check_graph
from agentcli.catalog.literals import Misfit, argument_misfits, input_misfits
from agentcli.catalog.others import Endless, Others
from agentcli.catalog.step_names import StepNames, action_names, condition_names, inner_names
from agentcli.catalog.template_faults import Names
from agentcli.core.graphs import Graph
from agentcli.core.workflows import (
    MAX_ITEMS,
    MAX_NESTING,
    Action,
    ForeachFile,
    ForeachRange,
    Step,
    WorkflowTemplate,
)
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.yaml_source import Path


def check_workflow(template: WorkflowTemplate, stem: str, check: Check) -> None:
    """Notes all problems; those of the agents and workflows that it names as well, with their places there."""
    check.name(template.name, stem)
    check.uncut(("description",))
    check.inputs(template.inputs)
    check_tools(template.tools, check)
    check_permissions(template.permissions, check)
    _agent(template.agent, ("agent",), check)
    graph = Graph.of(template)
    check_graph(template, graph, check)
    if check.known.others is None:
        _steps(template, graph, check)
    else:
        with check.known.others.inside(File(check.source.file)):
            _steps(template, graph, check)


def _steps(template: WorkflowTemplate, graph: Graph, check: Check) -> None:
    names = input_names(template.inputs)
    for index, (step_id, step) in enumerate(zip(template.step_ids(), template.steps, strict=True)):
        if check.problems.full:
            return
        _step(step, template.agent, ("steps", index), {**names, "steps": StepNames(graph, step_id)}, check)
    check.text(("output",), template.output, {**names, "steps": StepNames(graph)})


def _step(step: Step, agent: str | None, path: Path, names: Names, check: Check) -> None:
    _foreach(step, (*path, "foreach"), names, check)
    inner = inner_names(names, step)
    check.text((*path, "when"), step.when, inner)
    if step.until is not None:
        check.text((*path, "until", "condition"), step.until.condition, condition_names(inner))
    inside = action_names(inner, step)
    check.text((*path, "switch"), step.switch, inside)
    for action, place in actions_of(step, path):
        _action(action, agent, place, inside, check)


def _foreach(step: Step, path: Path, names: Names, check: Check) -> None:
    foreach = step.foreach
    if isinstance(foreach, ForeachFile):
        check.text((*path, "file"), foreach.file, names)
    elif isinstance(foreach, ForeachRange):
        _bounded(foreach.last - foreach.first + 1, path, check)
    else:
        check.values(path, foreach, names)
        _bounded(len(foreach) if isinstance(foreach, list) else 0, path, check)


def _bounded(items: int, path: Path, check: Check) -> None:
    if items > MAX_ITEMS:
        why = f"It has {items} items; all outputs are held at the same time, so at most {MAX_ITEMS} are taken."
        check.add("FOREACH", "The list of `foreach` is too long.", why, "Split it over more steps or runs.", path)


def _action(action: Action, agent: str | None, path: Path, names: Names, check: Check) -> None:
    check.text((*path, "prompt"), action.prompt, names)
    check.models(action.model, (*path, "model"))
    check.values((*path, "inputs"), action.inputs, names)
    check.values((*path, "with"), action.with_, names)
    check_output(action.output, (*path, "output"), names, check)
    if action.tool is not None:
        _tool(action.tool, action, path, check)
    elif action.workflow is not None:
        _nested(action.workflow, action, path, check)
    else:
        _agent(action.agent, (*path, "agent"), check)
        _agent_inputs(action.agent or agent, action, path, check)


def _agent(name: str | None, path: Path, check: Check) -> None:
    others = check.known.others
    if name is not None and others is not None and name not in others.agent_names and not check.problems.full:
        fix = suggestion(name, others.agent_names, "See `agentcli agents list`.")
        why = f"There are: {listed(others.agent_names)}."
        check.add("UNKNOWN-AGENT", f"There is no agent `{name}`.", why, fix, path)


def _agent_inputs(name: str | None, action: Action, path: Path, check: Check) -> None:
    """The inputs of the agent that is asked; which one that is where no file says it, the settings decide."""
    others = check.known.others
    if name is not None and others is not None and name in others.agent_names:
        specs = others.agent(name, check.problems.include)
        if specs is not None:
            _tell(input_misfits(specs, action.inputs, f"agent `{name}`"), (*path, "inputs"), check)


def _tool(name: str, action: Action, path: Path, check: Check) -> None:
    check.tool(name, (*path, "tool"))
    schema = check.own.get(name)
    if schema is None and check.known.parameters is not None and name in (check.known.tools or ()):
        schema = check.known.parameters(name)
    if schema is not None:
        _tell(argument_misfits(schema, action.with_, name), (*path, "with"), check)


def _nested(word: str, action: Action, path: Path, check: Check) -> None:
    others = check.known.others
    if others is None or check.problems.full:
        return
    nested = others.workflow(word, check.home, check.problems.include)
    place = (*path, "workflow")
    if nested is None:
        _unknown_workflow(word, others, place, check)
    elif isinstance(nested, Endless):
        _endless(nested, place, check)
    elif nested.too_deep:
        why = f"At most {MAX_NESTING} are carried out inside of each other."
        check.add("NESTING", "Workflows are nested too deeply.", why, "Put steps of theirs into one.", place)
    elif nested.inputs is not None:
        _tell(input_misfits(nested.inputs, action.inputs, f"workflow `{word}`"), (*path, "inputs"), check)


def _unknown_workflow(word: str, others: Others, path: Path, check: Check) -> None:
    names = others.workflow_names
    why = f"There are: {listed(names)}." if names else "There are none in the catalog."
    if "/" in word or word.endswith((".yaml", ".yml")):
        why = f"A path counts from {check.home}, and must not lead out of it."
    fix = suggestion(word, names, "See `agentcli workflow list`.")
    check.add("UNKNOWN-WORKFLOW", f"There is no workflow `{word}`.", why, fix, path)


def _endless(found: Endless, path: Path, check: Check) -> None:
    names = [file.stem for file in found.files]
    why = f"The way is {', '.join(f'`{name}`' for name in names[:-1])}, and `{names[-1]}` again."
    what = f"The workflow `{names[-1]}` carries itself out."
    check.add("CYCLE-WORKFLOW", what, why, "Remove one of these steps.", path)


def _tell(misfits: list[Misfit], path: Path, check: Check) -> None:
    for misfit in misfits:
        where = path if misfit.key is None else (*path, misfit.key)
        at = check.source.where_key(where) if misfit.kind.startswith("UNKNOWN") else check.source.where(where)
        check.problems.add(misfit.kind, misfit.what, why=misfit.why, fix=misfit.fix, at=at)
