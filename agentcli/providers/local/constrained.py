"""Tool calls from a model too small for native ones: every reply is one JSON object, held to a schema by a grammar.

With tools the object is either `{"tool": NAME, "arguments": {…}}` or `{"tool": "answer", "text": …}`; the answer is
told apart by a name among names, because a small model that may begin with another key answers before it looks. Worked
examples with tools that do not exist show the form. History is written in the form that the model itself must produce.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from agentcli.core.messages import Message, ToolCall
from agentcli.core.models import RequestHead
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.providers.local.grammar_schema import call_schema, object_schema
from agentcli.providers.local.shapes import shape, type_name

Form = Literal["chat", "step", "output"]
"""Free text; a call or an answer; one value of the output schema."""

MAX_CALLS: Final = 6
"""Calls for one question; then only an answer is allowed, as small models do not stop by themselves."""

MAX_RESULT_CHARS: Final = 8_000
"""What is shown of one result: reading it takes the model about a second per hundred characters."""

_STEP_RULE = "Reply with one JSON object: a tool call or an answer.\nTools:\n"
_OUTPUT_RULE = "\n\nReply with one JSON object of this form: "

_EXAMPLES: Final = (
    ("user", "Which planet is closest to the sun?"),
    ("assistant", '{"tool": "answer", "text": "Mercury."}'),
    ("user", "Does bus 12 run on Sundays?"),
    ("assistant", '{"tool": "timetable", "arguments": {"line": "12"}}'),
    ("user", "Result of timetable:\n06:40 weekdays\n08:15 Sundays"),
    ("assistant", '{"tool": "answer", "text": "Yes, bus 12 runs on Sundays, at 08:15."}'),
)

_NUMBER = re.compile(r"(?<![\w.:/-])\d{1,7}(?![\w/-]|[.:]\d)")
_NOTE = re.compile(r"\[[^\]\n]*\]")
"""By the custom of our tools, what stands in brackets is said about the result and not part of it."""

_MARKER = re.compile(r"<\|(?=[a-z_]+\|>)")

Turn = Mapping[str, str]
"""`role` and `content`, as a chat template takes them."""


@value(frozen=True, slots=True)
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
        # The rule stands last: at the end of the question it is followed better than in the instructions.
        ask = _assembled("output", instructions, (), said, object_schema(head.output_schema))
        return replace(ask, turns=_with_rule(ask.turns, _OUTPUT_RULE + plain(_value_form(head.output_schema))))
    return _assembled("chat", instructions, (), said, None)


def _step(head: RequestHead, instructions: str, said: Sequence[Message]) -> Asked:
    system = f"{instructions}\n\n{_STEP_RULE}".lstrip() + "\n".join(signature(tool) for tool in head.tools)
    if head.output_schema is not None:
        system += f"\nThe answer's text is JSON of this form: {_value_form(head.output_schema)}"
    calls = _calls_so_far(said)
    found_nothing = _found_nothing_with(calls, said, head.tools)
    tools = () if _must_answer(calls) else [tool for tool in head.tools if tool.name != found_nothing]
    schema = call_schema(tools, head.output_schema, numbers_in(said), may_answer=found_nothing is None)
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
        f"{name}{'' if name in required else '?'}: {type_name(schema)}"
        for name, schema in tool.parameters.get("properties", {}).items()
    ]
    return f"- {tool.name}({', '.join(parts)}): {tool.description}"


def _value_form(schema: Mapping[str, Any]) -> str:
    """References need their schema around them; everything else is told shortly."""
    return json.dumps(schema, ensure_ascii=False) if "$ref" in json.dumps(schema) else shape(schema)


def _with_rule(turns: Sequence[Turn], rule: str) -> Sequence[Turn]:
    last = turns[-1]
    return [*turns[:-1], {**last, "content": f"{last['content']}{rule}"}]


def numbers_in(said: Sequence[Message]) -> list[int]:
    """The whole numbers that people and tools wrote: the only ones that an optional argument may have.

    A model this small fills in what is optional with numbers of its own (lines 10 to 15 of a file of 6).
    """
    texts = (message.content[:MAX_RESULT_CHARS] for message in said if message.role in ("user", "tool"))
    return sorted({int(found) for text in texts for found in _NUMBER.findall(text)})[:200]


def _calls_so_far(said: Sequence[Message]) -> list[ToolCall]:
    """The calls for the present question, the last one first."""
    calls: list[ToolCall] = []
    for message in reversed(said):
        if message.role == "user":
            break
        calls += reversed(message.tool_calls)
    return calls


def _must_answer(calls: Sequence[ToolCall]) -> bool:
    """Whether there were calls enough, or the last one was made before."""
    made = [(call.name, call.arguments) for call in calls]
    return len(made) >= MAX_CALLS or (bool(made) and made[0] in made[1:])


def _found_nothing_with(calls: Sequence[ToolCall], said: Sequence[Message], tools: Sequence[ToolSpec]) -> str | None:
    """The tool of the first call, if that gave a note alone (`[no line matches]`) and there are other tools.

    A small model then answers that there is nothing, though its pattern was bad: once, it has to look in another way.
    """
    if len(calls) != 1 or len(tools) < 2 or said[-1].role != "tool":
        return None
    return calls[0].name if _NOTE.fullmatch(said[-1].content.strip()) else None


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
