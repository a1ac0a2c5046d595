"""Calls of models and tools, counted event by event."""

from __future__ import annotations

from typing import Any, get_args

from agentcli.core.models import Usage
from agentcli.core.runs import RunRow
from agentcli.core.tools import ToolStatus
from agentcli.journal.reading import Outline
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.statistics import fields
from agentcli.workbench.statistics.figures import ModelFigures, ToolFigures
from agentcli.workbench.statistics.own_part import copied

MODEL_EVENTS = ("model.started", "model.retried", "model.fallback", "model.completed", "model.failed")
TOOL_EVENTS = ("tool.completed", "approval.requested", "approval.resolved")

UNKNOWN_MODEL = "unknown"
"""Where a record does not say which model was asked."""

_TOOL_STATUSES = frozenset(get_args(ToolStatus))


class CallCounter:
    """Figures by model and by tool, of runs that are counted one after the other.

    A failure that a resumed run has superseded stays one: it was an attempt.
    """

    def __init__(self) -> None:
        self.models: dict[str, ModelFigures] = {}
        self.tools: dict[str, ToolFigures] = {}

    def count(self, journal: SqliteJournal, row: RunRow, types: tuple[str, ...]) -> bool:
        """Add the run's own events of these types. False where its record cannot be read to the end.

        Raises StorageError for what is no damage.
        """
        asking = _Asking(row.start.model)
        try:
            with fields.reading():
                for event in journal.outlines(row.start.id, types, copied(row)):
                    if event.type.startswith("model."):
                        self._model(event, asking)
                    else:
                        self._tool(event.type, event.fields())
        except fields.UnreadableError:
            return False
        return True

    def _model(self, event: Outline, asking: _Asking) -> None:
        if event.type == "model.started":
            asking.begin(event)
        elif event.type == "model.completed":
            self._answer(event.fields())
        else:
            model = self._of(asking.model(event.lane))
            if event.type == "model.retried":
                model.retries += 1
            elif event.type == "model.failed":
                model.failed += 1
            else:
                asking.fall_back(event)
                model.fallbacks += 1

    def _answer(self, found: dict[str, Any]) -> None:
        usage, cost = fields.usage(Usage.from_json(found["usage"])), fields.cost(found["cost_usd"])
        seconds, first_piece = fields.amount(found["duration_s"]), _first_piece(found.get("deltas"))
        self._of(fields.text(found["model"])).answer(usage, cost, seconds, first_piece)

    def _tool(self, kind: str, found: dict[str, Any]) -> None:
        name = fields.text(found["tool"])
        if kind == "tool.completed":
            status, seconds = found["status"], fields.amount(found["duration_s"])
            if status not in _TOOL_STATUSES:
                raise ValueError("a call has no such status")
            self._by(name).call(status, seconds, flagged=bool(found.get("flags")))
            self._how(self._by(name), found.get("how") or {})
        elif kind == "approval.requested":
            self._by(name).asked += 1
        else:
            # What a flag answers was never put to anybody in an event of its own.
            self._by(name).asked += found["by"] == "flag"
            self._by(name).refused += found["decision"] == "no"

    def _how(self, figures: ToolFigures, how: dict[str, Any]) -> None:
        """What stood before the tool: a cache, a rate limit, another try."""
        figures.cached += "cached_s" in how
        figures.retries += max(0, int(fields.amount(how.get("attempts", 1))) - 1)
        figures.waited_s += fields.amount(how.get("waited_s", 0.0))

    def _of(self, model: str) -> ModelFigures:
        return self.models.setdefault(model, ModelFigures(model))

    def _by(self, tool: str) -> ToolFigures:
        return self.tools.setdefault(tool, ToolFigures(tool))


class _Asking:
    """Which model each lane is asking: an event of a failed attempt does not name it."""

    def __init__(self, first: str | None) -> None:
        self._first = first or UNKNOWN_MODEL
        self._begun: dict[str, Outline] = {}
        self._fallen_back: dict[str, str] = {}

    def begin(self, started: Outline) -> None:
        """A request goes out; it is unpacked only if something goes wrong with it."""
        self._begun[started.lane] = started
        self._fallen_back.pop(started.lane, None)

    def fall_back(self, event: Outline) -> None:
        """From now on the lane asks another model."""
        self._fallen_back[event.lane] = fields.text(event.fields()["model"])

    def model(self, lane: str) -> str:
        """The `provider:model` that the lane is asking."""
        if lane in self._fallen_back:
            return self._fallen_back[lane]
        started = self._begun.get(lane)
        if started is None:
            return self._first
        found = started.fields()
        return f"{fields.text(found['provider'])}:{fields.text(found['model'])}"


def _first_piece(deltas: Any) -> float | None:
    """Seconds until the first text of a streamed answer. `deltas` are pairs of characters and milliseconds."""
    return fields.amount(deltas[1]) / 1000 if deltas else None
