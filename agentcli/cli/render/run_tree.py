"""One run as a tree: its steps or turns, and in each what the model was asked for, what it called, and what came of it.

The number in front of a line is the event's seq in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agentcli.cli.render.origin import fork_mark
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.problems import print_error
from agentcli.cli.render.quantity import count, duration, local_time, moment, money, tokens
from agentcli.cli.render.row_summary import RowSummary, board_of
from agentcli.cli.render.run_list import STATUS_STYLE
from agentcli.cli.render.step_rows import State
from agentcli.cli.render.text import call_text, head, one_line, output_text, safe, wrapped
from agentcli.cli.render.tree_nodes import Happened, Node, tree_of
from agentcli.cli.render.tree_text import Branch, TreeText
from agentcli.core.events import Event, RunCompleted, RunStarted
from agentcli.core.runs import RunRow

ANSWER_LINES = 20
CALL_WIDTH = 132
"""How long a call may be where the printer has no width."""

MOST = {"item": 10, "step": 100}
"""So many of a kind are shown of one node; of the others only those that failed."""

_LABEL_WIDTH = 9
_INDENT = 10
"""Columns in front of a branch: its number, and the joint."""


@dataclass(slots=True)
class RunTree:
    """Prints one run. `full` leaves nothing out."""

    out: Printer
    now: float
    full: bool = False
    _text: TreeText = field(init=False)

    def show(self, row: RunRow, events: Sequence[Event]) -> None:
        """Head, steps or turns, answer, error."""
        started = next((event.body for event in events if isinstance(event.body, RunStarted)), None)
        completed = events[-1].body if events else None
        root = tree_of(events)
        self._text = TreeText(self.out.glyphs, self.full, row.status == "running")
        rows, summary = board_of(events), RowSummary(self.out, self.full, row.status == "running")
        self._head(row, started, root)
        if rows is not None:
            self._field("rows", summary.states(rows))
        if root.nodes or root.happened:
            self.out.line()
        for part in self._shown(root):
            self._top(part)
        self._open(_unbegun(started, root))
        if rows is not None and (rows.failures or rows.at_work):
            self.out.line()
            summary.show(rows)
        if isinstance(completed, RunCompleted):
            self._end(completed)

    def _head(self, row: RunRow, started: RunStarted | None, root: Node) -> None:
        start, end, dot = row.start, row.end, f" {self.out.glyphs.dot} "
        status = self.out.style(row.status, STATUS_STYLE[row.status])
        self.out.line(f"{self.out.style(start.id, 'bold')}  {status}")
        self._field(start.kind, one_line(start.name))
        if start.model:
            self._field("model", one_line(start.model))
        self._field("started", f"{local_time(start.started)} ({moment(start.started, self.now)})")
        if end is not None:
            cost = money(end.cost_usd)
            self._field("used", dot.join([duration(end.duration_s), count(end.turns, "turn"), tokens(end.usage), cost]))
        steps = Counter[State](node.state for node in root.nodes.values() if node.kind == "step")
        steps["pending"] += len(_unbegun(started, root))
        if steps.total():
            self._field("steps", self._text.states(steps))
        if start.parent:
            origin = f"{start.parent} ({start.relation or 'parent'})"
            forked = start.relation == "fork"
            self._field("parent", fork_mark(self.out.glyphs, start.parent, start.cut) if forked else origin)
        if row.tags:
            self._field("tags", one_line(", ".join(row.tags)))
        if start.task:
            self._field("task", safe(start.task) if self.full else one_line(start.task, 300))
        if started is not None and started.inputs:
            self._field("inputs", call_text("", started.inputs, None if self.full else CALL_WIDTH)[1:-1])

    def _field(self, name: str, value: str) -> None:
        label = self.out.style(name.ljust(_LABEL_WIDTH), "dim")
        first, *rest = wrapped(value, self.out.width and self.out.width - _LABEL_WIDTH) or [""]
        self.out.line(f"{label}{first}")
        for line in rest:
            self.out.line(" " * _LABEL_WIDTH + line)

    # -- the tree -----------------------------------------------------------------------------------------------

    def _top(self, part: Node | Happened | str) -> None:
        """A part of the run itself: it has no joint."""
        if isinstance(part, Node):
            if part.kind != "call":
                self._line(part.seq, self._headed(part, 0))
            self._inside(part, "")
        elif isinstance(part, Happened):
            for branch in self._text.branches(part, self._width(0)):
                self._line(branch.seq, self.out.style(safe(branch.text), *branch.styles))
        else:
            self._line(None, self.out.style(part, "dim"))

    def _inside(self, node: Node, prefix: str) -> None:
        for line in self._text.below(node, self._width(len(prefix))):
            self._line(None, f"{prefix}   {self.out.style(line, 'dim')}")
        parts = [*self._flat(node, len(prefix))]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            joint = f"{prefix}{self.out.glyphs.last if last else self.out.glyphs.branch} "
            side = f"{prefix}{'  ' if last else self.out.glyphs.pipe} "
            if isinstance(part, Node):
                self._line(part.seq, joint + self._headed(part, len(side)))
                self._inside(part, side)
            elif isinstance(part, Branch):
                self._line(part.seq, joint + self.out.style(safe(part.text), *part.styles))
                for line in part.below:
                    self._line(None, f"{side}  {self.out.style(line, 'dim')}")
            else:
                self._line(None, joint + self.out.style(part, "dim"))

    def _flat(self, node: Node, taken: int) -> Iterator[Node | Branch | str]:
        for part in self._shown(node):
            if isinstance(part, Happened):
                yield from self._text.branches(part, self._width(taken))
            else:
                yield part

    def _headed(self, node: Node, taken: int) -> str:
        (name, styles), said = self._text.node(node)
        room = self._width(taken) - len(name)
        return f"{self.out.style(name, *styles)}  {self.out.style(said if self.full else one_line(said, room), 'dim')}"

    def _shown(self, node: Node) -> Iterator[Node | Happened | str]:
        """The parts of a node; of many alike only the first ones and those that failed, and how many more there are."""
        seen, left_out = Counter[str](), Counter[State]()
        for part in node.parts:
            kind = part.kind if isinstance(part, Node) else ""
            seen[kind] += 1
            if isinstance(part, Node) and seen[kind] > MOST.get(kind, seen[kind]) and not self._matters(part):
                left_out[part.state] += 1
            else:
                yield part
        if left_out:
            yield f"… {count(left_out.total())} more: {self._text.states(left_out)} (--full shows them)"

    def _matters(self, node: Node) -> bool:
        return self.full or node.state == "failed"

    def _open(self, steps: Sequence[str]) -> None:
        """The steps that the run has not come to."""
        if steps:
            names = ", ".join(steps if self.full else steps[: MOST["item"]])
            more = "" if self.full or len(steps) <= MOST["item"] else ", …"
            open_steps = f"{count(len(steps), 'step')} {self._text.word('pending')}"
            self._line(None, self.out.style(f"{open_steps}: {one_line(names)}{more}", "dim"))

    def _width(self, taken: int) -> int:
        """Columns beside the tree. The numbers, and what the joints of outer nodes take, are taken already."""
        return (self.out.width or CALL_WIDTH) - _INDENT - taken

    def _line(self, seq: int | None, text: str) -> None:
        number = self.out.style(f"{seq:>5}", "dim") if seq is not None else " " * 5
        self.out.line(f"{number}  {text}".rstrip())

    def _end(self, completed: RunCompleted) -> None:
        self.out.line()
        if completed.error is not None:
            print_error(self.out, completed.error)
            return
        text = safe(output_text(completed.output))
        shown, more = (text, 0) if self.full else head(text, ANSWER_LINES)
        self.out.line(self.out.style("answer", "dim"))
        for line in shown.splitlines():
            self.out.line(f"  {line}".rstrip())
        if more:
            self.out.line(self.out.style(f"  … {count(more, 'more line')}: --full shows them", "dim"))


def _unbegun(started: RunStarted | None, root: Node) -> list[str]:
    steps = started.steps if started is not None else ()
    return [step.id for step in steps if f"step.{step.id}" not in root.nodes]
