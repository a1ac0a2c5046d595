"""The step graph of a workflow: who waits for whom, in which order, and what is surely done before a step begins.

A step that another one names as its fallback waits for that one. Whoever needs a step waits for its fallbacks as well,
since the step is done only when they are; a step that says no `needs` follows the nearest one above it that is no
fallback. Nothing here takes more than one pass over the needs; sets of steps are the bits of an integer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush

from agentcli.core.repeats import Fallback
from agentcli.core.workflows import WorkflowTemplate


def fallbacks_of(template: WorkflowTemplate) -> dict[str, str]:
    """The step that each fallback stands in for, by the fallback's id. The first one counts, where two name it."""
    stands_in: dict[str, str] = {}
    for step_id, step in zip(template.step_ids(), template.steps, strict=True):
        if isinstance(step.on_error, Fallback) and step.on_error.fallback != step_id:
            stands_in.setdefault(step.on_error.fallback, step_id)
    return stands_in


def needs_of(template: WorkflowTemplate) -> dict[str, tuple[str, ...]]:
    """What each step waits for, by id: what it says, or the step before it; a fallback also for what may fail.

    Of two steps with one id, which no valid template has, the first one counts.
    """
    stands_in = fallbacks_of(template)
    needs: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for step_id, step in zip(template.step_ids(), template.steps, strict=True):
        if step_id in needs:
            continue
        failing = stands_in.get(step_id)
        if failing is None:
            needs[step_id] = before if step.needs is None else tuple(dict.fromkeys(step.needs))
            before = (step_id,)
        else:
            needs[step_id] = tuple(dict.fromkeys((*(step.needs or ()), failing)))
    return needs


def order_of(waits: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The steps, each after all that it waits for, and otherwise as they are written.

    Steps in a cycle, and those that wait for one, are left out; what is waited for and is no step does not count.
    """
    place = {step_id: index for index, step_id in enumerate(waits)}
    ids = list(waits)
    followers: dict[str, list[str]] = {}
    open_needs = dict.fromkeys(waits, 0)
    for step_id, needs in waits.items():
        for need in dict.fromkeys(needs):
            if need in place:
                followers.setdefault(need, []).append(step_id)
                open_needs[step_id] += 1
    ready = [place[step_id] for step_id, count in open_needs.items() if not count]
    heapify(ready)
    order: list[str] = []
    while ready:
        step_id = ids[heappop(ready)]
        order.append(step_id)
        for follower in followers.get(step_id, ()):
            open_needs[follower] -= 1
            if not open_needs[follower]:
                heappush(ready, place[follower])
    return tuple(order)


@dataclass(frozen=True)
class Graph:
    """A template's steps as a graph. `needs` and `stands_in` are what `needs_of` and `fallbacks_of` give."""

    ids: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    stands_in: Mapping[str, str]

    @classmethod
    def of(cls, template: WorkflowTemplate) -> Graph:
        """The graph of a template."""
        needs = needs_of(template)
        return cls(tuple(needs), needs, fallbacks_of(template))

    @cached_property
    def bits(self) -> dict[str, int]:
        """The bit of each step, in the order in which they are written."""
        return {step_id: 1 << place for place, step_id in enumerate(self.ids)}

    @cached_property
    def chains(self) -> dict[str, tuple[str, int]]:
        """By the step that may fail: the last of its fallbacks (a fallback may have one too), and all as bits."""
        chains: dict[str, tuple[str, int]] = {}
        failing = set(self.stands_in.values())
        for last in self.stands_in.keys() & self.needs.keys() - failing:
            step_id, found = last, 0
            while step_id in self.stands_in:
                found |= self.bits[step_id]
                step_id = self.stands_in[step_id]
                chains[step_id] = last, found
        return chains

    @cached_property
    def waits(self) -> dict[str, tuple[str, ...]]:
        """What each step waits for: its needs, and the last fallback of each; a fallback waits for no later one."""
        if not self.chains:
            return dict(self.needs)
        return {step_id: tuple(dict.fromkeys(self._waits(step_id, needs))) for step_id, needs in self.needs.items()}

    def _waits(self, step_id: str, needs: tuple[str, ...]) -> Iterator[str]:
        yield from needs
        for need in needs:
            last, chain = self.chains.get(need, ("", 0))
            if last and not chain & self.bits[step_id]:
                yield last

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The steps, each after all that it waits for; those in a cycle, or behind one, are left out."""
        return order_of(self.waits)

    @cached_property
    def before(self) -> dict[str, int]:
        """The steps that are surely done before each one begins, as bits, for every step in `order`.

        Not what only a fallback waits for: that may be under way when the fallback turns out not to be needed.
        """
        bits, done = self.bits, dict[str, int]()
        for step_id in self.order:
            found = 0
            for need in self.needs[step_id]:
                found |= done.get(need, 0) | bits.get(need, 0)
                _, chain = self.chains.get(need, ("", 0))
                found |= 0 if chain & bits[step_id] else chain
            done[step_id] = found
        return done
