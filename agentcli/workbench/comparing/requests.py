"""What the models were asked: from which request on it was not the same in both runs, and what was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agentcli.core.canonical import Digest, Json, digest_bytes
from agentcli.core.events import ModelStarted
from agentcli.core.models import RequestDelta
from agentcli.core.values import value
from agentcli.engine.recording import first_difference
from agentcli.workbench.comparing.differences import encoded
from agentcli.workbench.comparing.records import Records, RunRecord, content
from agentcli.workbench.comparing.steps import Step, by_thread
from agentcli.workbench.comparing.texts import TextDiff


@value(frozen=True, slots=True)
class FirstRequest:
    """The first request that was another one. `path` is the JSON path (RFC 9535) of the first difference in it.

    `parts` are all fields of the request that differ; `path` is None where a content is not held any more.
    """

    a: Step
    b: Step
    path: str | None = None
    left: Json = None
    right: Json = None
    parts: tuple[str, ...] = ()

    @property
    def text(self) -> TextDiff | None:
        """How the two values differ, where they are texts."""
        both = isinstance(self.left, str) and isinstance(self.right, str)
        return TextDiff(self.left, self.right) if both else None

    def to_json(self) -> dict[str, Any]:
        """Both requests by seq and digest; where and how they differ."""
        text = self.text
        out = {
            "a": {"seq": self.a.asked, "turn": self.a.turn, "request": self.a.request},
            "b": {"seq": self.b.asked, "turn": self.b.turn, "request": self.b.request},
            "path": self.path,
            "parts": list(self.parts),
            "a_value": self.left,
            "b_value": self.right,
        }
        return out if text is None else {**out, "text": text.to_json()}


class Requests:
    """The requests of two runs, read as they are asked for. Ids that a provider gives to calls are no difference."""

    def __init__(self, records: Records, a: RunRecord, b: RunRecord) -> None:
        self._a = _Reader(records, a)
        self._b = _Reader(records, b)

    def first(self, a: Sequence[Step], b: Sequence[Step]) -> FirstRequest | None:
        """The first requests of the two, thread by thread, that are not the same."""
        found = (self.compare(left, right) for left, right in _in_step(a, b))
        return next((difference for difference in found if difference is not None), None)

    def compare(self, a: Step, b: Step) -> FirstRequest | None:
        """What differs in the requests of two steps; None where they are the same."""
        if a.request == b.request or self._a.key(a) == self._b.key(b) is not None:
            return None
        left, right = self._a.request(a), self._b.request(b)
        found = first_difference(left, right) if left and right else None
        if left is None or right is None or found is None:
            return FirstRequest(a, b)
        parts = tuple(sorted(name for name in left | right if encoded(left.get(name)) != encoded(right.get(name))))
        return FirstRequest(a, b, *found, parts)


def _in_step(a: Sequence[Step], b: Sequence[Step]) -> Iterator[tuple[Step, Step]]:
    """The n-th request of a thread beside the n-th of the other run's: up to the first difference they are one."""
    others = by_thread(b)
    for thread, steps in by_thread(a).items():
        yield from zip(_asked(steps), _asked(others.get(thread, [])), strict=False)


def _asked(steps: Sequence[Step]) -> Iterator[Step]:
    return (step for step in steps if step.asked is not None)


class _Reader:
    """Requests of one run. Each message is read and taken apart once, however many requests repeat it."""

    def __init__(self, records: Records, run: RunRecord) -> None:
        self._records = records
        self._deltas = {event.seq: event.body.request for event in run.events if isinstance(event.body, ModelStarted)}
        self._messages: dict[int, list[Digest]] = {}
        self._keys: dict[Digest, Digest] = {}

    def key(self, step: Step) -> tuple[Digest, list[Digest]] | None:
        """Stands for the request, whatever ids are in it; None where it cannot be put together."""
        digests = self._digests(step.asked or 0)
        if digests is None:
            return None
        return self._deltas[step.asked or 0].head, [self._key(digest) for digest in digests]

    def request(self, step: Step) -> dict[str, Any] | None:
        """The request as JSON, its messages without ids; None where it cannot be put together any more."""
        digests = self._digests(step.asked or 0)
        if digests is None:
            return None
        head = content(self._records, self._deltas[step.asked or 0].head)
        messages = [content(self._records, digest) for digest in digests]
        if not isinstance(head, dict) or not all(isinstance(message, dict) for message in messages):
            return None
        return {**head, "messages": [without_ids(message) for message in messages]}

    def _digests(self, seq: int) -> list[Digest] | None:
        """The messages of the request that went out at `seq`: those of an earlier one, and what was added."""
        deltas: list[tuple[int, RequestDelta]] = []
        at: int | None = seq
        while at is not None and at not in self._messages:
            delta = self._deltas.get(at)
            if delta is None or (delta.previous is not None and delta.previous >= at):
                return None
            deltas.append((at, delta))
            at = delta.previous
        digests = [] if at is None else self._messages[at]
        for at, delta in reversed(deltas):
            digests = self._messages[at] = [*digests[: delta.kept], *delta.added]
        return digests

    def _key(self, digest: Digest) -> Digest:
        """The digest of a message without its ids; its own where it is not held any more."""
        if digest not in self._keys:
            message = content(self._records, digest)
            known = isinstance(message, dict)
            self._keys[digest] = digest_bytes(encoded(without_ids(message)).encode()) if known else digest
        return self._keys[digest]


def without_ids(message: dict[str, Any]) -> dict[str, Any]:
    """A message's JSON without what a provider makes anew each time: ids of calls, and state of its own."""
    out = {name: value for name, value in message.items() if name not in ("tool_call_id", "opaque")}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        out["tool_calls"] = [_without_id(call) for call in calls]
    return out


def _without_id(call: Json) -> Json:
    return {name: value for name, value in call.items() if name != "id"} if isinstance(call, dict) else call
