"""Events as lines of a bundle: canonical JSON that says all that the journal keeps of an event but the run's id."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

from agentcli.core.canonical import Json, decode, encode
from agentcli.core.events import BODIES, Body, EffectKey, EffectKind, Event, ModelStarted, ToolCompleted, read_body
from agentcli.journal.foreign import LAST_SECOND, MAX_CONTENT, RUN_ID
from agentcli.journal.named import DIGEST, named_by

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_WORD: Final = 1_000
"""Characters of a lane, a step, a name."""

_MOST: Final = 2**53
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+|warning|divergence")
_OPTIONAL: Final = ("parent", "turn", "step", "key", "request", "result")
_REQUIRED: Final = ("seq", "type", "time", "mono", "lane", "body")
_ONLY_LIVE: Final = "model.delta"


class NewerError(ValueError):
    """What was read is sound, and says more than this version understands."""


def line_of(event: Event) -> bytes:
    """The event as a line, without its end. Raises ValueError or TypeError for what is not JSON."""
    key = event.key
    out: dict[str, Json] = {
        "seq": event.seq,
        "type": event.body.type,
        "time": float(event.time),
        "mono": float(event.mono),
        "lane": event.lane,
        "parent": event.parent,
        "turn": event.turn,
        "step": event.step,
        "key": [key.kind, key.name, key.ordinal] if key else None,
        "request": event.request,
        "result": event.result,
        "body": event.body.to_json(),
    }
    return encode({name: value for name, value in out.items() if value is not None})


def event_in(line: bytes, run: str, seq: int) -> Event:
    """The event of a line of the run, which must be its `seq`-th. Raises ValueError; NewerError for one that is newer.

    Whatever is in it is looked at: types, ranges, digests. What `line_of` makes of the event is the line again.
    """
    if len(line) > MAX_CONTENT:
        raise ValueError("it is too long")
    value = _object(line)
    _check_names(value)
    body = _body(value["type"], value["body"])
    lane, key = _word(value["lane"]), value.get("key")
    event = Event(
        run=run,
        seq=_exactly(value["seq"], seq),
        time=_seconds(value["time"], LAST_SECOND),
        mono=_seconds(value["mono"], math.inf),
        body=body,
        lane=lane,
        parent=_run_id(value.get("parent")),
        turn=None if "turn" not in value else _count(value["turn"], 1),
        step=None if "step" not in value else _word(value["step"]),
        key=None if key is None else _key(key, lane),
        request=_digest(value.get("request")),
        result=_digest(value.get("result")),
    )
    _check_digests(event)
    if line_of(event) != line:
        raise NewerError(f"it says more of `{body.type}` than this version understands")
    return event


def _object(line: bytes) -> dict[str, Json]:
    try:
        value = decode(line)
        canonical = encode(value)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict) or canonical != line:
        raise ValueError("it is no object in canonical JSON")
    return value


def _check_names(value: dict[str, Json]) -> None:
    if missing := [name for name in _REQUIRED if name not in value]:
        raise ValueError(f"it has no `{missing[0]}`")
    if value.keys() - {*_REQUIRED, *_OPTIONAL}:
        raise NewerError("it has a field that this version does not know")


def _body(kind: Json, fields: Json) -> Body:
    if not isinstance(kind, str) or not isinstance(fields, dict) or kind == _ONLY_LIVE:
        raise ValueError("it is of no type that is recorded")
    if kind not in BODIES:
        if len(kind) > MAX_WORD or _TYPE.fullmatch(kind) is None:
            raise ValueError("it is of no type that is recorded")
        return read_body(kind, fields)
    from pydantic import ValidationError

    known: Any = BODIES[kind]
    try:
        adapter(known).validate_json(encode(fields), strict=True)
    except ValidationError as error:
        raise ValueError(_first(error)) from error
    return read_body(kind, fields)


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Checks JSON against a type: strictly, with `validate_json(data, strict=True)`."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _first(error: Any) -> str:
    """What is wrong in one line, without the value."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"]) or "it"
    return f"`{place[:MAX_WORD]}`: {found['msg']}"


def _key(value: Json, lane: str) -> EffectKey:
    if not isinstance(value, list) or len(value) != 3 or value[0] not in get_args(EffectKind):
        raise ValueError("its key is none")
    return EffectKey(lane, value[0], _word(value[1]), _count(value[2], 0))


def _word(value: Json) -> str:
    if not isinstance(value, str) or len(value) > MAX_WORD or not value.isprintable():
        raise ValueError("a lane, a step or a name in it is none")
    return value


def _count(value: Json, least: int) -> int:
    if type(value) is not int or not least <= value < _MOST:
        raise ValueError("a number in it is out of its range")
    return value


def _exactly(value: Json, number: int) -> int:
    if _count(value, 1) != number:
        raise ValueError(f"it calls itself event {value}")
    return number


def _seconds(value: Json, most: float) -> float:
    if type(value) is not float or not 0 <= value < most:
        raise ValueError("a time in it is none")
    return value


def _run_id(value: Json) -> str | None:
    if value is not None and (not isinstance(value, str) or RUN_ID.fullmatch(value) is None):
        raise ValueError("its parent is no run")
    return value


def _digest(value: Json) -> str | None:
    if value is not None and (not isinstance(value, str) or DIGEST.fullmatch(value) is None):
        raise ValueError("a digest in it is none")
    return value


def _check_digests(event: Event) -> None:
    body = event.body
    digests = [digest for digest, _ in named_by(event)]
    if isinstance(body, ToolCompleted):
        digests += [digest for touch in body.files for digest in (touch.before, touch.after) if digest is not None]
    for digest in digests:
        _digest(digest)
    if isinstance(body, ModelStarted):
        previous, kept = body.request.previous, body.request.kept
        if kept < 0 or (previous is not None and not 1 <= previous < event.seq):
            raise ValueError("its request does not follow an earlier one")
