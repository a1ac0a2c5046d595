"""The names that the texts of a workflow's steps may use."""

from __future__ import annotations

from collections.abc import Iterator

from agentcli.catalog.template_faults import ExplainedNames, Names
from agentcli.core.graphs import Graph
from agentcli.core.workflows import Step

RESULT = frozenset({"output", "status", "error", "reason"})
"""What an expression may read of a step that is done."""


class StepNames(ExplainedNames):
    """The steps that are done when another one begins, or when all are."""

    def __init__(self, graph: Graph, step_id: str | None = None) -> None:
        self._graph = graph
        self._step_id = step_id
        everyone = (1 << len(graph.ids)) - 1
        self._done = everyone if step_id is None else graph.before.get(step_id, everyone)

    def __contains__(self, word: object) -> bool:
        return bool(self._done & self._graph.bits.get(str(word), 0))

    def __getitem__(self, word: str) -> frozenset[str]:
        if word not in self:
            raise KeyError(word)
        return RESULT

    def __iter__(self) -> Iterator[str]:
        return (step_id for step_id in self._graph.ids if step_id in self)

    def __len__(self) -> int:
        return self._done.bit_count()

    def absence(self, word: str) -> tuple[str, str] | None:
        """For a step that is there and may not be done."""
        own = self._graph.bits.get(self._step_id or "", 0)
        if word not in self._graph.bits:
            return None
        if word == self._step_id:
            return "A step has no output before it is done.", "Use an earlier step, or `until` with `last`."
        if self._graph.before.get(word, 0) & own:
            return f"The step `{word}` comes after this one.", "Use an earlier step."
        return f"The step `{word}` may not be done when this one begins.", f"Add `{word}` to its `needs`."


def inner_names(names: Names, step: Step) -> Names:
    """With what `foreach` gives."""
    return names if step.foreach is None else {**names, "item": None, "index": None}


def action_names(names: Names, step: Step) -> Names:
    """With what `until` gives the action."""
    return names if step.until is None else {**names, "last": None, "round": None}


def condition_names(names: Names) -> Names:
    """With what the condition of `until` is about."""
    return {**names, "output": None, "round": None}
