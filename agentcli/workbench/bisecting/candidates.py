"""The recorded results of a run that differ from those of another one at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentcli.core.events import EffectKey, Event, ModelCompleted, ToolCompleted
from agentcli.core.values import value
from agentcli.engine.recording import Recording, first_difference
from agentcli.workbench.fork_run import ForkRequest


@value(frozen=True, slots=True)
class Candidate:
    """A result of the bad run, at event `seq`, and the good run's result at the same place.

    `path` is the JSON path of the first difference between them; how long they took and the ids of calls, which a
    provider makes up, are not compared.
    """

    seq: int
    key: EffectKey
    path: str
    bad: Any
    good: Any
    replacement: ModelCompleted | ToolCompleted

    def fork_of(self, run: str) -> ForkRequest:
        """The bad run up to here with the good run's result in place of its own, then live."""
        body = self.replacement
        if isinstance(body, ModelCompleted):
            return ForkRequest(run, at=self.seq, responses={self.seq: body.message}, in_doubt="fail")
        return ForkRequest(run, at=self.seq, results={self.seq: body.result}, in_doubt="fail")

    def control_of(self, run: str) -> ForkRequest:
        """The same with its own result: what differs between the two is this result alone."""
        return ForkRequest(run, at=self.seq, in_doubt="fail")

    def to_json(self) -> dict[str, Any]:
        """One object: the event, the place, the first difference."""
        key = {"lane": self.key.lane, "kind": self.key.kind, "name": self.key.name, "ordinal": self.key.ordinal}
        return {"seq": self.seq, **key, "path": self.path, "good": self.good, "bad": self.bad}


def candidates(good: Recording, bad: Recording) -> tuple[Candidate, ...]:
    """Those results, in the order of the bad run's record."""
    return tuple(sorted(_differing(good, bad), key=lambda one: one.seq))


def _differing(good: Recording, bad: Recording) -> Iterator[Candidate]:
    for key, event in bad.results.items():
        other = good.results.get(key)
        if other is None or not isinstance(other.body, (ModelCompleted, ToolCompleted)):
            continue
        mine, theirs = _told(event), _told(other)
        found = first_difference(theirs, mine)
        if mine is not None and found is not None:
            path, before, now = found
            yield Candidate(event.seq, key, path, now, before, other.body)


def _told(event: Event) -> Any:
    """What of a result the run goes on with."""
    body = event.body
    if isinstance(body, ToolCompleted):
        return {"status": body.status, "result": body.result}
    if isinstance(body, ModelCompleted):
        message = body.message.to_json()
        calls = [
            {name: value for name, value in call.items() if name != "id"} for call in message.get("tool_calls", ())
        ]
        return {"content": message["content"], "tool_calls": calls}
    return None
