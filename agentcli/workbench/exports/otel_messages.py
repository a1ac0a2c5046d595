"""Messages as the GenAI conventions write them: a role and parts, as a JSON text.

The conventions want attributes in structured form where that is supported, and a JSON text where it is not. Most
programs that show traces read the text alone, so that is what is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentcli.core.messages import Message
from agentcli.workbench.exports import semantic_conventions as names


def text_of(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def messages(found: Iterable[Message], finish_reason: str | None = None) -> str:
    """Messages, oldest first; `finish_reason` is that of an answer."""
    reason = {} if finish_reason is None else {"finish_reason": finish_reason}
    return text_of([{"role": message.role, "parts": _parts(message), **reason} for message in found])


def answer(output: Any) -> str:
    """A run's result, as the message it is."""
    content = output if isinstance(output, str) else text_of(output)
    part = {"type": "text", "content": content}
    return text_of([{"role": "assistant", "parts": [part], "finish_reason": "stop"}])


def of_manifest(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the run was given: its instructions, and the user's message."""
    out = {}
    instructions, asked = manifest.get("instructions"), manifest.get("message")
    if isinstance(instructions, str):
        out[names.SYSTEM_INSTRUCTIONS] = text_of([{"type": "text", "content": instructions}])
    if isinstance(asked, str):
        out[names.INPUT_MESSAGES] = messages([Message("user", asked)])
    return out


def _parts(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_call_response", "id": message.tool_call_id, "response": message.content}]
    parts: list[dict[str, Any]] = []
    if message.reasoning:
        parts.append({"type": "reasoning", "content": message.reasoning})
    if message.content:
        parts.append({"type": "text", "content": message.content})
    for call in message.tool_calls:
        arguments = call.arguments if call.malformed is None else call.malformed
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments})
    return parts
