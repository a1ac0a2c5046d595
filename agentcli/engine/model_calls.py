"""One logical request to the model, through the door."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from agentcli.core.canonical import encode
from agentcli.core.events import (
    Body,
    Event,
    ModelCompleted,
    ModelDelta,
    ModelFailed,
    ModelFallback,
    ModelRetried,
    ModelStarted,
)
from agentcli.core.messages import Conversation, Message
from agentcli.core.models import ModelRequest, RequestDelta, RequestHead
from agentcli.engine.admission import Admission, encodable
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.ports import ModelProvider, RunLog
from agentcli.engine.scope import Scope
from agentcli.errors import ModelError


class ModelCalls:
    """Asks the model of one conversation. Requests go to the journal as what each adds to the one before it."""

    def __init__(self, door: Effects, log: RunLog, provider: ModelProvider, admission: Admission) -> None:
        self._door = door
        self._log = log
        self._provider = provider
        self._admission = admission
        self._previous: tuple[int, int] | None = None
        """Seq and length of the last request that went out live."""

    async def ask(self, head: RequestHead, conversation: Conversation, scope: Scope) -> ModelCompleted:
        """The answer. Raises ModelError, or LimitError when the run's time ended first."""
        request = ModelRequest(head, conversation.view())

        async def live(started: Event) -> Body:
            self._previous = (started.seq, len(conversation))
            return await self._complete(request, started, scope)

        effect = Effect(
            kind="model",
            name="model",
            request=request.digest,
            describe=request.to_json,
            live=live,
            intent=lambda: self._intent(head, conversation),
        )
        body = await self._door.perform(effect, scope)
        if isinstance(body, ModelFailed):
            raise ModelError(body.error.code, body.error.what, why=body.error.why, fix=body.error.fix)
        return expect(body, ModelCompleted)

    def _intent(self, head: RequestHead, conversation: Conversation) -> ModelStarted:
        previous, kept = self._previous or (None, 0)
        provider, _, model = (head.models[0] if head.models else "").partition(":")
        added = tuple(self._log.put(message) for message in conversation.encoded[kept:])
        if not kept:
            self._log.put(encode(head.to_json()))
        return ModelStarted(provider, model, RequestDelta(previous, kept, added, head.digest))

    async def _complete(self, request: ModelRequest, started: Event, scope: Scope) -> Body:
        observer = _Observer(self._door, self._admission, scope, started)
        try:
            reply = await self._provider.complete(request, observer)
        except ModelError as error:
            return ModelFailed(self._admission.admit_error(error.info), error.exit_code)
        observer.flush()
        message = Message.from_json(self._admission.admit(reply.message.to_json()))
        if reply.finish_reason == "length":
            message = _cut(message)
        return ModelCompleted(
            message=_with_own_ids(message, request.conversation.source.call_ids),
            usage=reply.usage,
            finish_reason=reply.finish_reason,
            model=reply.model,
            duration_s=round(reply.duration_s, 6),
            cost_usd=reply.cost_usd,
            attempts=reply.attempts,
            deltas=observer.deltas(),
        )


def _cut(message: Message) -> Message:
    """The message of an answer that was cut: a last call without arguments may have lost them, and must not be made."""
    calls = list(message.tool_calls)
    if calls and not calls[-1].arguments:
        calls[-1] = replace(calls[-1], malformed=calls[-1].malformed or "")
    return replace(message, tool_calls=tuple(calls))


def _with_own_ids(message: Message, taken: AbstractSet[str]) -> Message:
    """The message with no call's id used twice in the conversation: some servers count from 0 in every answer."""
    seen = set(taken)
    renamed = []
    for call in message.tool_calls:
        own, again = call.id, 1
        while own in seen:
            again += 1
            own = f"{call.id}_{again}"
        seen.add(own)
        renamed.append(replace(call, id=own))
    return replace(message, tool_calls=tuple(renamed))


class _Observer:
    """Turns what the provider tells into events. Text passes the redactor's stream: a secret may come in pieces."""

    def __init__(self, door: Effects, admission: Admission, scope: Scope, started: Event) -> None:
        self._door = door
        self._admission = admission
        self._scope = scope
        self._started = started
        self._index = 0
        self._text = admission.redactor.stream()
        self._pieces: list[int] = []
        self._last = door.clock.monotonic()

    def deltas(self) -> tuple[int, ...]:
        """See `ModelCompleted.deltas`."""
        return tuple(self._pieces)

    def delta(self, text: str) -> None:
        self._show(self._text.feed(encodable(text)))

    def flush(self) -> None:
        self._show(self._text.flush())

    def retried(self, cause: str, wait_s: float) -> None:
        self._reset()
        self._door.note(ModelRetried(self._admission.admit(cause), round(wait_s, 3)), self._started)

    def fell_back(self, model: str, cause: str) -> None:
        self._reset()
        self._door.note(ModelFallback(self._admission.admit(cause), 0.0, model), self._started)

    def _show(self, text: str) -> None:
        if text:
            text = self._admission.admit(text)
            self._keep_time(len(text))
            self._door.tell(ModelDelta(text, self._index), self._scope, self._started.seq)
            self._index += 1

    def _keep_time(self, characters: int) -> None:
        """Pieces within one millisecond count as one."""
        waited = round((self._door.clock.monotonic() - self._last) * 1000)
        if waited == 0 and self._pieces:
            self._pieces[-2] += characters
        else:
            self._pieces += (characters, waited)
            self._last += waited / 1000

    def _reset(self) -> None:
        self._text, self._index, self._pieces = self._admission.redactor.stream(), 0, []
