"""Which step of one run is which of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agentcli.core.values import value
from agentcli.workbench.comparing.matching import Gap, Match, compared
from agentcli.workbench.comparing.steps import Step, by_thread


@value(frozen=True, slots=True)
class Pair:
    """A step of each run; None where the other run has no such step."""

    a: Step | None
    b: Step | None

    @property
    def step(self) -> Step:
        """The second run's step, or else the first's."""
        step = self.b or self.a
        if step is None:
            raise ValueError("a pair of nothing")
        return step


_LEVELS: tuple[Callable[[Step], str], ...] = (
    lambda step: step.content,
    lambda step: step.key("arguments", "calls"),
    lambda step: step.shape,
    lambda step: step.key(),
)
"""What makes two steps one: all of it; else the same call with another result, or an answer with the same calls; else
another call of the same tool, or an answer that calls the same tools; else any answer."""


def align(a: Sequence[Step], b: Sequence[Step]) -> list[Pair]:
    """All steps of both, thread by thread, in order: a step that was put in moves those after it, no more."""
    left, right = by_thread(a), by_thread(b)
    threads = dict.fromkeys([*left, *right])
    return [pair for thread in threads for pair in _aligned(left.get(thread, []), right.get(thread, []), 0)]


def _aligned(a: Sequence[Step], b: Sequence[Step], level: int) -> Iterator[Pair]:
    if level == len(_LEVELS) or not a or not b:
        yield from (Pair(step, None) for step in a)
        yield from (Pair(None, step) for step in b)
        return
    sign = _LEVELS[level]
    for part in compared([sign(step) for step in a], [sign(step) for step in b]):
        if isinstance(part, Match):
            both = zip(a[part.a : part.a + part.size], b[part.b : part.b + part.size], strict=True)
            yield from (Pair(left, right) for left, right in both)
        else:
            yield from _aligned(_left(a, part), _right(b, part), level + 1)


def _left(steps: Sequence[Step], gap: Gap) -> Sequence[Step]:
    return steps[gap.a_from : gap.a_to]


def _right(steps: Sequence[Step], gap: Gap) -> Sequence[Step]:
    return steps[gap.b_from : gap.b_to]
