"""A run's events as a tree: steps, the items of their lists, tries and rounds, turns, and what happened in each.

Where an event belongs is told by its lane alone, so that lanes that ran side by side stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from agentcli.cli.render.run_clock import RunClock
from agentcli.cli.render.step_board import ENDS
from agentcli.cli.render.step_rows import State
from agentcli.core.events import (
    ApprovalRequested,
    Body,
    CodeAsked,
    CodeCompleted,
    Event,
    ModelCompleted,
    RunForked,
    RunResumed,
    StepStarted,
    ToolCompleted,
    ToolStarted,
)

Kind = Literal["run", "step", "item", "attempt", "round", "turn", "call"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BETWEEN = "call."
CODE = "/ask."
"""What the lane of a conversation holds that an agent's code began."""
Begun = ApprovalRequested | ToolStarted


@dataclass(slots=True, eq=False)
class Happened:
    """One thing in a node. `begun` is what a call began with; without `body` it was never finished."""

    seq: int
    body: Body | None
    begun: Begun | None = None
    by_code: bool = False
    """Whether an agent's code asked for it."""


@dataclass(slots=True, eq=False)
class Node:
    """A part of a run. `first` is the seq of its first event, `seq` that of the one which stands for it.

    `asked` is the model's answer in a turn; `started` and `end` are a step's or an item's. Times: seconds of the run.
    """

    kind: Kind
    name: str
    first: int
    seq: int
    nodes: dict[str, Node] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)
    asked: ModelCompleted | None = None
    started: StepStarted | None = None
    end: Body | None = None
    ended_in: int = 0
    begun: float | None = None
    ended: float | None = None
    tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def state(self) -> State:
        """What became of a step or an item."""
        return ENDS[type(self.end)] if self.end is not None else "running"

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it did not begin, or not end."""
        return None if self.begun is None or self.ended is None else self.ended - self.begun

    @property
    def parts(self) -> list[Node | Happened]:
        """All that is in it, in the order in which it came."""
        found: list[Node | Happened] = [*self.nodes.values(), *self.happened]
        return sorted(found, key=lambda part: part.first if isinstance(part, Node) else part.seq)


def tree_of(events: Sequence[Event]) -> Node:
    """The tree of a run, from its events in their order."""
    tree = _Growing()
    for event in events:
        tree.take(event)
    tree.close()
    return tree.root


class _Growing:
    def __init__(self) -> None:
        self.root = Node("run", "", 0, 0)
        self._clock = RunClock()
        self._calls: dict[tuple[str, str], tuple[Node, int, Begun]] = {}
        self._era = 0

    def take(self, event: Event) -> None:
        """The next event."""
        seconds = self._clock.at(event)
        if isinstance(event.body, RunResumed | RunForked):
            self._era += 1
            self._last_turn().happened.append(Happened(event.seq, event.body))
            return
        path = self._path(event)
        if len(path) > 1:
            self._reach(path, event, seconds)
            self._add(path, event, seconds)

    def close(self) -> None:
        """Calls that have no end are shown as such."""
        for node, seq, begun in self._calls.values():
            node.happened.append(Happened(seq, None, begun))

    def _last_turn(self) -> Node:
        """The last turn of the run itself, so that a conversation reads on; the run where it has none."""
        last = next(reversed(self.root.nodes.values()), self.root)
        return last if last.kind in ("turn", "call") else self.root

    def _path(self, event: Event) -> list[Node]:
        path = [self.root]
        for part in map(self._segment, _parts(event)):
            above = path[-1]
            if part not in above.nodes:
                kind, _, name = part.partition(".")
                above.nodes[part] = Node(cast("Kind", kind), name, event.seq, event.seq)
            path.append(above.nodes[part])
        return path

    def _segment(self, part: str) -> str:
        """What is done between turns stands between them."""
        last = next(reversed(self.root.nodes), "")
        if part != BETWEEN or last.startswith(BETWEEN):
            return last if part == BETWEEN else part
        return f"{BETWEEN}{len(self.root.nodes)}"

    def _reach(self, path: Sequence[Node], event: Event, seconds: float) -> None:
        """Something happens there: it has begun, and an end before the run was gone on with was none."""
        body, here = event.body, path[-1]
        waits = isinstance(body, StepStarted) and body.items is None and body.action != "workflow"
        for node in path:
            if node.end is not None and node.ended_in < self._era and node.state in ("failed", "cancelled"):
                node.end = node.ended = None
            if node.begun is None and type(body) not in ENDS and not (waits and node is here):
                node.begun = seconds

    def _add(self, path: Sequence[Node], event: Event, seconds: float) -> None:
        body, node = event.body, path[-1]
        if isinstance(body, StepStarted):
            node.started, node.seq = body, event.seq
        elif type(body) in ENDS:
            node.end, node.ended, node.ended_in = body, seconds, self._era
        elif isinstance(body, ApprovalRequested | ToolStarted):
            self._calls[event.lane, body.call_id] = (node, event.seq, body)
        elif isinstance(body, ToolCompleted):
            _, _, begun = self._calls.pop((event.lane, body.call_id), (node, 0, None))
            node.happened.append(Happened(event.seq, body, begun))
        else:
            node.happened.append(Happened(event.seq, body, by_code=CODE in f"/{event.lane}"))
        if isinstance(body, ModelCompleted):
            node.asked, node.seq = body, event.seq
            for above in path:
                above.tokens += body.usage.total
                unknown = above.cost_usd is None or body.cost_usd is None
                above.cost_usd = None if unknown else (above.cost_usd or 0.0) + (body.cost_usd or 0.0)


def _parts(event: Event) -> Iterator[str]:
    """The parts of a lane that are nodes. A call belongs to what it is in; one by hand, or by an agent's code, and what
    that code asks for, are nodes of their own.
    """
    parts = event.lane.split("/") if event.lane else []
    is_by_code = not parts and isinstance(event.body, CodeAsked | CodeCompleted)
    if event.turn is None and (is_by_code or (parts and parts[0].startswith("call."))):
        yield BETWEEN
        return
    for part in parts:
        kind = part.partition(".")[0]
        if kind == "turn" or kind not in KINDS or kind == "call":
            break
        yield part
    if event.turn is not None:
        yield f"turn.{event.turn}"
