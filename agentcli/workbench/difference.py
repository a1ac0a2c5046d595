"""A divergence in words: where a run is not the recorded one, and both values."""

from __future__ import annotations

import json
from typing import Any, Final

from agentcli.workbench.replay_run import Divergence

VALUE_CHARS: Final = 400
AROUND_CHARS: Final = 40
"""How much of two long texts is shown on either side of what differs."""


def difference(divergence: Divergence) -> tuple[str, ...]:
    """Where a run is not the recorded one, and both values: one line each."""
    place = f"event {divergence.at}" if divergence.at is not None else "the end of the record"
    turn = f", turn {divergence.turn}" if divergence.turn is not None else ""
    recorded, current = _values(divergence.recorded, divergence.current)
    return (f"at        {place}{turn}  {divergence.path}", f"recorded  {recorded}", f"current   {current}")


def _values(recorded: Any, current: Any) -> tuple[str, str]:
    """Two values as JSON; of texts that are alike at their ends, what lies between, with a little around it."""
    if not (isinstance(recorded, str) and isinstance(current, str)):
        return _value(recorded), _value(current)
    before = _alike(recorded, current)
    after = _alike(recorded[before:][::-1], current[before:][::-1])
    start, dropped = max(0, before - AROUND_CHARS), max(0, after - AROUND_CHARS)
    return _value(_cut(recorded, start, dropped)), _value(_cut(current, start, dropped))


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _cut(text: str, start: int, dropped: int) -> str:
    kept = text[start : len(text) - dropped]
    return f"{'…' if start else ''}{kept}{'…' if dropped else ''}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"
