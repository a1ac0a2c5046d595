"""`scripted:FILE`: replies from a file, for tests, documentation, and the end of a fallback chain.

The format and its rules stand in `agentcli.providers.script_file`. Nothing is kept between requests: the
conversation alone says which reply is due.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import ModelReply, ModelRequest, Usage
from agentcli.engine.ports import ModelObserver
from agentcli.errors import ModelError, ModelTransientError
from agentcli.providers import failures
from agentcli.providers.failures import Correspondent
from agentcli.providers.script_file import FailureName, Script, ScriptedCall, ScriptedReply, load_script, pattern

_WHY = "The script says so."
_FIX = "Take the `error:` out of the script."


class ScriptedModel:
    """A `ModelProvider` that answers from a script."""

    def __init__(self, name: str, script: Script, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._whom = Correspondent("scripted", name, base_url=name)
        self._script = script
        self._monotonic = monotonic

    @classmethod
    def open(cls, name: str, base_dir: Path) -> ScriptedModel:
        """The script at `name`, relative to `base_dir`. Raises DefinitionError."""
        return cls(name, load_script(base_dir / Path(name).expanduser()))

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """The reply that is due. Raises ModelError where the script says so or has none."""
        started = self._monotonic()
        messages = request.conversation.messages
        turn = 1 + sum(message.role == "assistant" for message in messages)
        heard = next((message.content for message in reversed(messages) if message.role in ("user", "tool")), "")
        reply = _due(self._script, turn, heard)
        if reply is None:
            raise _exhausted(self._whom.model, turn)
        if request.head.settings.stream:
            for piece in reply.pieces:
                observer.delta(piece)
        if reply.error is not None:
            raise _FAILURES[reply.error](self._whom)
        calls = tuple(_call(call, turn, place) for place, call in enumerate(reply.tool_calls, 1))
        return ModelReply(
            message=Message("assistant", "".join(reply.pieces), calls, reasoning=reply.reasoning),
            usage=Usage(**reply.usage.model_dump()),
            finish_reason=reply.finish_reason or ("tool_calls" if calls else "stop"),
            model=self._whom.name,
            cost_usd=0.0,
            duration_s=self._monotonic() - started,
        )

    async def aclose(self) -> None:
        """Nothing is held."""


def _due(script: Script, turn: int, heard: str) -> ScriptedReply | None:
    for reply in script.replies:
        if reply.conditional and _holds(reply, turn, heard):
            return reply
    last = 0
    for reply in script.replies:
        if not reply.conditional:
            if reply.repeat is True:
                return reply
            last += reply.repeat
            if turn <= last:
                return reply
    return None


def _holds(reply: ScriptedReply, turn: int, heard: str) -> bool:
    if reply.turn not in (None, turn) or (reply.contains or "") not in heard:
        return False
    return reply.matches is None or pattern(reply.matches).search(heard) is not None


def _call(call: ScriptedCall, turn: int, place: int) -> ToolCall:
    arguments = {} if call.malformed is not None else call.arguments
    return ToolCall(call.id or f"call_{turn}_{place}", call.name, arguments, call.malformed)


_FAILURES: dict[FailureName, Callable[[Correspondent], ModelError]] = {
    "rate_limit": lambda whom: failures.rate_limited(whom, _WHY),
    "timeout": lambda whom: ModelTransientError(
        "E-MODEL-TIMEOUT", f"{whom.name} did not answer in time.", why=_WHY, fix=_FIX
    ),
    "unauthorised": lambda whom: failures.unauthorised(whom, _WHY),
    "unreachable": lambda whom: failures.unreachable(whom, _WHY),
    "unknown_model": lambda whom: failures.unknown_model(whom, _WHY),
    "server": lambda whom: ModelTransientError("E-MODEL-SERVER", f"{whom.name} failed.", why=_WHY, fix=_FIX),
    "stream": lambda whom: failures.cut_off(whom, _WHY),
    "request": lambda whom: failures.refused_request(whom, _WHY),
    "context": lambda whom: failures.context_too_long(whom, _WHY),
}


def _exhausted(name: str, turn: int) -> ModelError:
    return ModelError(
        "E-SCRIPT-EXHAUSTED",
        f"The script {name} has no reply for turn {turn}.",
        why="Its replies are used up, and no condition of one holds.",
        fix="Add a reply, or `repeat: true` to the last.",
    )
