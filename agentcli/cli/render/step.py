"""One event, and a conversation, as `replay --step` shows them."""

from __future__ import annotations

from collections.abc import Iterable

from agentcli.cli.render.text import call_text, one_line
from agentcli.core.events import CodeAsked, Event, ModelCompleted, ToolCompleted, ToolStarted
from agentcli.core.messages import Message

WIDTH = 100


def line_of(event: Event) -> str:
    """`   6  tool.completed  read_lines ok: 1 port = 8080`."""
    return f"{event.seq:>4}  {one_line(event.body.type, WIDTH)}  {_about(event)}".rstrip()


def _about(event: Event) -> str:
    body = event.body
    if isinstance(body, ToolStarted):
        return call_text(body.tool, body.arguments, WIDTH)
    if isinstance(body, ToolCompleted):
        return one_line(f"{body.tool} {body.status}: {body.result}", WIDTH)
    if isinstance(body, ModelCompleted):
        calls = ", ".join(call.name for call in body.message.tool_calls)
        return one_line(f"{body.message.content} {f'[calls {calls}]' if calls else ''}", WIDTH)
    if isinstance(body, CodeAsked):
        request = body.request
        return one_line(f"{body.wants} {request.get('name', request.get('prompt', request.get('text', '')))}", WIDTH)
    return ""


def messages_text(messages: Iterable[Message]) -> str:
    """Each message under its role, with the calls that it makes."""
    return "\n".join(line for message in messages for line in _message(message))


def _message(message: Message) -> list[str]:
    calls = [f"  {call_text(call.name, dict(call.arguments), None)}" for call in message.tool_calls]
    return [f"{message.role}:", *(f"  {line}" for line in message.content.splitlines()), *calls]
