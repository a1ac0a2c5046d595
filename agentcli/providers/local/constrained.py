"""Tool calls from a model too small for native ones: every reply is one JSON object, held to a schema by a grammar.

With tools the object is either `{"tool": NAME, "arguments": {…}}` or `{"tool": "answer", "text": …}`; the answer is
told apart by a name among names, because a small model that may begin with another key answers before it looks. Worked
examples with tools that do not exist show the form. History is written in the form that the model itself must produce.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from agentcli.core.messages import Message
from agentcli.core.models import RequestHead
from agentcli.core.tools import ToolSpec
from agentcli.providers.local.grammar_schema import call_schema, object_schema

Form = Literal["chat", "step", "output"]
"""Free text; a call or an answer; one value of the output schema."""

MAX_CALLS: Final = 6
"""Calls for one question; then only an answer is allowed, as small models do not stop by themselves."""

MAX_RESULT_CHARS: Final = 8_000
"""What is shown of one result: reading it takes the model about a second per hundred characters."""

_STEP_RULE = "Reply with one JSON object: a tool call or an answer.\nTools:\n"
_OUTPUT_RULE = "Reply with one JSON object that fits this schema: "

_EXAMPLES: Final = (
    ("user", "Which planet is closest to the sun?"),
    ("assistant", '{"tool": "answer", "text": "Mercury."}'),
    ("user", "Does bus 12 run on Sundays?"),
    ("assistant", '{"tool": "timetable", "arguments": {"line": "12"}}'),
    ("user", "Result of timetable:\n06:40 weekdays\n08:15 Sundays"),
    ("assistant", '{"tool": "answer", "text": "Yes, at 08:15."}'),
)

_NUMBER = re.compile(r"(?<![\w.:/-])\d{1,7}(?![\w/-]|[.:]\d)")
_MARKER = re.compile(r"<\|(?=[a-z_]+\|>)")

Turn = Mapping[str, str]
"""`role` and `content`, as a chat template takes them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the model gets it. The first `fixed` of the turns are the same in every request of an agent."""

    form: Form
    turns: Sequence[Turn]
    fixed: int
    schema: dict[str, Any] | None


def asked(head: RequestHead, messages: Sequence[Message]) -> Asked:
    """Put a request into the form that suits it."""
    said = [message for message in messages if message.role != "system"]
    instructions = "\n\n".join(message.content.strip() for message in messages if message.role == "system")
    if head.tools:
        return _step(head, instructions, said)
    if head.output_schema is not None:
        schema = object_schema(head.output_schema)
        rule = _OUTPUT_RULE + json.dumps(head.output_schema, ensure_ascii=False)
        return _assembled("output", f"{instructions}\n\n{rule}".strip(), (), said, schema)
    return _assembled("chat", instructions, (), said, None)


def _step(head: RequestHead, instructions: str, said: Sequence[Message]) -> Asked:
    system = f"{instructions}\n\n{_STEP_RULE}".lstrip() + "\n".join(signature(tool) for tool in head.tools)
    if head.output_schema is not None:
        system += f"\nThe answer's text is JSON that fits this schema: {json.dumps(head.output_schema)}"
    tools = () if _must_answer(said) else head.tools
    schema = call_schema(tools, head.output_schema, numbers_in(said))
    return _assembled("step", system, _EXAMPLES, said, schema)


def _assembled(
    form: Form,
    system: str,
    examples: Sequence[tuple[str, str]],
    said: Sequence[Message],
    schema: dict[str, Any] | None,
) -> Asked:
    fixed = [{"role": "system", "content": plain(system)}] if system else []
    fixed += [{"role": role, "content": content} for role, content in examples]
    return Asked(form, [*fixed, *_merged(_rendered(said, as_json=form == "step"))], len(fixed), schema)


def signature(tool: ToolSpec) -> str:
    """A tool in one line: every token of the prompt costs time."""
    required = tool.parameters.get("required", ())
    parts = [
        f"{name}{'' if name in required else '?'}: {_type_name(schema)}"
        for name, schema in tool.parameters.get("properties", {}).items()
    ]
    return f"- {tool.name}({', '.join(parts)}): {tool.description}"


def _type_name(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if "enum" in schema:
        return "|".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type", "any")
    return "|".join(kind) if isinstance(kind, list) else str(kind)


def numbers_in(said: Sequence[Message]) -> list[int]:
    """The whole numbers that people and tools wrote: the only ones that an optional argument may have.

    A model this small fills in what is optional with numbers of its own (lines 10 to 15 of a file of 6).
    """
    texts = (message.content[:MAX_RESULT_CHARS] for message in said if message.role in ("user", "tool"))
    return sorted({int(found) for text in texts for found in _NUMBER.findall(text)})[:200]


def _must_answer(said: Sequence[Message]) -> bool:
    """Whether there were calls enough for the present question, or the last one was made before."""
    calls: list[str] = []
    for message in reversed(said):
        if message.role == "user":
            break
        calls += [json.dumps([call.name, call.arguments], sort_keys=True) for call in message.tool_calls]
    return len(calls) >= MAX_CALLS or (bool(calls) and calls[0] in calls[1:])


def _rendered(said: Sequence[Message], *, as_json: bool) -> Iterator[tuple[str, str]]:
    names = {call.id: call.name for message in said for call in message.tool_calls}
    for message in said:
        if message.role == "tool":
            name = names.get(message.tool_call_id or "", "the tool")
            yield "user", f"Result of {name}:\n{_shortened(message.content)}"
        elif message.role == "assistant" and as_json:
            yield "assistant", "\n".join(_own_words(message))
        else:
            yield message.role, message.content


def _own_words(message: Message) -> Iterator[str]:
    for call in message.tool_calls:
        yield call.malformed or _spaced({"tool": call.name, "arguments": call.arguments})
    if not message.tool_calls:
        yield _spaced({"tool": "answer", "text": message.content})


def _spaced(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    cut = len(text) - MAX_RESULT_CHARS
    return text if cut <= 0 else f"{text[:MAX_RESULT_CHARS]}\n[cut: {cut} more characters]"


def _merged(turns: Iterator[tuple[str, str]]) -> Iterator[Turn]:
    """Neighbours of one role become one turn: chat templates want them to alternate."""
    role, parts = "", list[str]()
    for next_role, content in turns:
        if next_role != role and parts:
            yield {"role": role, "content": "\n\n".join(parts)}
            parts = []
        role = next_role
        parts.append(plain(content))
    if parts:
        yield {"role": role, "content": "\n\n".join(parts)}


def plain(text: str) -> str:
    """The text with control marks (`<|im_start|>`) taken apart, so that a file cannot pretend to be a turn."""
    return _MARKER.sub("<\u200b|", text)
