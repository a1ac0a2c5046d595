"""Messages, and the conversation that grows by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, Literal

from agentcli.core.canonical import Digest, chain, digest, digest_bytes, encode
from agentcli.core.values import value

Role = Literal["system", "user", "assistant", "tool"]


@value(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for.

    `arguments` is the parsed object. Where the model wrote something that is no JSON object, `malformed` holds its
    text as it came and `arguments` is empty: the model is then told so, as the call's result.
    """

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    malformed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Defaults are left out, so that the encoding stays small and stable when fields are added."""
        out: dict[str, Any] = {"id": self.id, "name": self.name, "arguments": self.arguments}
        if self.malformed is not None:
            out["malformed"] = self.malformed
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ToolCall:
        """Read back what `to_json` wrote."""
        return cls(value["id"], value["name"], value["arguments"], value.get("malformed"))


@value(frozen=True, slots=True)
class Message:
    """One message of a conversation, in no provider's format.

    `tool_call_id` is set on role `tool` alone. `reasoning` is text the model thought aloud; `opaque` is state that a
    provider wants handed back untouched (signatures of reasoning blocks), keyed by provider name.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    reasoning: str | None = None
    opaque: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Defaults are left out, so that the encoding stays small and stable when fields are added."""
        out: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            out["tool_calls"] = [call.to_json() for call in self.tool_calls]
        if self.tool_call_id is not None:
            out["tool_call_id"] = self.tool_call_id
        if self.reasoning is not None:
            out["reasoning"] = self.reasoning
        if self.opaque is not None:
            out["opaque"] = self.opaque
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Message:
        """Read back what `to_json` wrote."""
        return cls(
            role=value["role"],
            content=value["content"],
            tool_calls=tuple(map(ToolCall.from_json, value.get("tool_calls", ()))),
            tool_call_id=value.get("tool_call_id"),
            reasoning=value.get("reasoning"),
            opaque=value.get("opaque"),
        )


EMPTY: Digest = digest("conversation")


class Conversation:
    """An append-only list of messages with a rolling digest.

    Every message is encoded and hashed once, when it is appended; `rolling[i]` stands for the first *i* messages
    together. A request over a thousand messages therefore costs the work of its new ones.
    """

    __slots__ = ("call_ids", "digests", "encoded", "messages", "rolling")

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self.messages: list[Message] = []
        self.digests: list[Digest] = []
        self.encoded: list[bytes] = []
        self.rolling: list[Digest] = [EMPTY]
        self.call_ids: set[str] = set()
        for message in messages:
            self.append(message)

    def append(self, message: Message) -> Digest:
        """Add a message; returns its digest."""
        data = encode(message.to_json())
        added = digest_bytes(data)
        self.messages.append(message)
        self.digests.append(added)
        self.encoded.append(data)
        self.rolling.append(chain(self.rolling[-1], added))
        for call in message.tool_calls:
            self.call_ids.add(call.id)
        return added

    def view(self) -> ConversationView:
        """The conversation as it is now; later appends do not show in it."""
        return ConversationView(self, len(self.messages))

    def __len__(self) -> int:
        return len(self.messages)


@value(frozen=True, slots=True)
class ConversationView:
    """The first `length` messages of a conversation. Cheap: nothing is copied until asked for."""

    source: Conversation
    length: int

    @property
    def messages(self) -> Sequence[Message]:
        """The messages, oldest first."""
        return self.source.messages[: self.length]

    @property
    def digests(self) -> Sequence[Digest]:
        """Each message's digest, oldest first: a key for what a provider derives from a message."""
        return self.source.digests[: self.length]

    @property
    def digest(self) -> Digest:
        """The rolling digest over all messages of the view."""
        return self.source.rolling[self.length]
