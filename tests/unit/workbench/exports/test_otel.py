"""A run as a trace: what OTLP's JSON and the GenAI conventions ask for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from agentcli.workbench.exports import otel_values
from agentcli.workbench.exports import semantic_conventions as names
from agentcli.workbench.exports.formats import ExportOptions
from agentcli.workbench.exports.otel import render, span_id, trace_id
from tests.fakes.told import RUN, Told, eventful, two_turns

Span = dict[str, Any]


def exported(told: Told, *, content: bool = False) -> dict[str, Any]:
    (file,) = render(told.record(), ExportOptions(content))
    assert file.name == f"{RUN}.otel.json"
    value: dict[str, Any] = json.loads(file.data)
    return value


def spans(told: Told, *, content: bool = False) -> list[Span]:
    (resource,) = exported(told, content=content)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    found: list[Span] = scope["spans"]
    return found


def plain(value: dict[str, Any]) -> Any:
    """What an AnyValue stands for; each has one kind."""
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return [plain(item) for item in held["values"]]
    return int(held) if kind == "intValue" else held


def attributes(span: Span) -> dict[str, Any]:
    keys = [item["key"] for item in span["attributes"]]
    assert len(keys) == len(set(keys))
    return {item["key"]: plain(item["value"]) for item in span["attributes"]}


def test_it_is_what_a_collector_takes() -> None:
    trace = exported(two_turns())
    (resource,) = trace["resourceSpans"]
    assert resource["schemaUrl"] == names.SCHEMA_URL
    assert attributes(resource["resource"])["service.name"] == "agentcli"
    assert resource["scopeSpans"][0]["scope"]["name"] == "agentcli"


@pytest.mark.parametrize("told", [two_turns(), eventful()], ids=["usual", "eventful"])
def test_every_span_has_what_otlp_asks_for(told: Told) -> None:
    for span in spans(told, content=True):
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert span["kind"] in (1, 3)
        assert span["startTimeUnixNano"].isdigit()
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span.get("status", {"code": 2})["code"] == 2
        for event in span["events"]:
            assert event["timeUnixNano"].isdigit()
            assert attributes(event)["agentcli.event.seq"] > 0


def test_ids_are_the_runs_own_and_stay() -> None:
    root, *below = spans(two_turns())
    assert root["spanId"] == span_id(RUN, 0)
    assert [span["spanId"] for span in below] == [span_id(RUN, seq) for seq in (3, 5, 7, 10)]
    assert {span["traceId"] for span in (root, *below)} == {trace_id(RUN)}
    assert {span["parentSpanId"] for span in below} == {root["spanId"]}
    assert "parentSpanId" not in root
    assert exported(two_turns()) == exported(two_turns())


def test_spans_are_named_as_the_conventions_have_it() -> None:
    assert [(span["name"], span["kind"]) for span in spans(two_turns())] == [
        ("invoke_agent reader", 1),
        ("chat gpt-5-mini", 3),
        ("execute_tool edit", 1),
        ("execute_tool look", 1),
        ("chat gpt-5-mini", 3),
    ]


def test_a_request_says_what_was_asked_and_what_it_took() -> None:
    assert attributes(spans(two_turns())[4]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.model": "gpt-5-mini",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.stream": True,
        "gen_ai.response.time_to_first_chunk": 0.8,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "agentcli.cost_usd": 0.01,
        "agentcli.attempts": 1,
        "agentcli.event.seq": 10,
        "agentcli.lane": "turn.2",
        "agentcli.turn": 2,
    }


def test_a_call_says_what_it_came_to() -> None:
    _, _, edit, look, _ = spans(two_turns())
    assert attributes(edit)["gen_ai.tool.description"] == "Edit a file."
    assert attributes(look) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c2",
        "agentcli.tool.status": "error",
        "error.type": "E-FILE-UNKNOWN",
        "agentcli.event.seq": 7,
        "agentcli.lane": "turn.1/call.2",
        "agentcli.turn": 1,
    }
    assert look["status"] == {"code": 2, "message": "E-FILE-UNKNOWN"}
    assert "status" not in edit


def test_the_run_says_how_it_ended() -> None:
    root = attributes(spans(two_turns())[0])
    assert root["gen_ai.agent.name"] == "reader"
    assert root["gen_ai.usage.input_tokens"] == 200
    assert (root["agentcli.run.status"], root["agentcli.run.turns"], root["agentcli.cost_usd"]) == (
        "completed",
        2,
        0.02,
    )
    failed = spans(eventful())[0]
    assert attributes(failed)["error.type"] == "E-MODEL-UNREACHABLE"
    assert attributes(failed)["agentcli.run.tags"] == ["keep"]
    assert failed["status"] == {"code": 2, "message": "The server does not answer."}


def test_no_text_of_anybody_is_told_unless_it_is_asked_for() -> None:
    text = json.dumps(exported(two_turns()))
    assert [
        word for word in ("Which port", "Be brief", "I will look", "8080", "Ports are", "changed a.py") if word in text
    ] == []
    assert "Again." not in json.dumps(exported(eventful()))


def test_with_content_messages_are_parts_as_the_schemas_have_them() -> None:
    root, chat, edit, look, last = (attributes(span) for span in spans(two_turns(), content=True))
    assert json.loads(root["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(chat["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Which port?"}]},
    ]
    assert json.loads(chat["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Ports are in a.py."},
                {"type": "text", "content": "I will look."},
                {"type": "tool_call", "id": "c1", "name": "edit", "arguments": {"path": "a.py", "port": 8080}},
                {"type": "tool_call", "id": "c2", "name": "look", "arguments": {}},
            ],
            "finish_reason": "tool_calls",
        }
    ]
    assert json.loads(last["gen_ai.input.messages"])[1] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "changed a.py"}],
    }
    assert json.loads(edit["gen_ai.tool.call.arguments"]) == {"path": "a.py", "port": 8080}
    assert look["gen_ai.tool.call.result"].startswith("E-FILE-UNKNOWN")
    assert json.loads(root["gen_ai.output.messages"])[0]["parts"][0]["content"] == "Port 8080."


def test_notes_are_events_of_their_span() -> None:
    found = spans(eventful(), content=True)
    chat, call = found[5], found[6]
    assert [event["name"] for event in chat["events"]] == ["agentcli.model.retried", "agentcli.model.fallback"]
    assert attributes(chat["events"][1])["agentcli.model"] == "local:small"
    assert attributes(call["events"][1])["agentcli.approval.decision"] == "no"
    assert attributes(call)["error.type"] == "denied"
    assert [event["name"] for event in found[0]["events"]] == [
        "agentcli.run.forked",
        "agentcli.run.resumed",
        "agentcli.approval.requested",
        "agentcli.limit.reached",
        "agentcli.warning",
        "agentcli.moon.risen",
    ]
    assert attributes(found[-1])["error.type"] == "E-MODEL-UNREACHABLE"


def test_a_run_that_came_from_another_is_linked_to_it() -> None:
    told = two_turns()
    told.row = {"parent": "20261120-081532-aaaaaa", "relation": "fork", "cut": 3}
    (link,) = spans(told)[0]["links"]
    assert (link["traceId"], link["spanId"]) == (
        trace_id("20261120-081532-aaaaaa"),
        span_id("20261120-081532-aaaaaa", 0),
    )
    assert attributes(link) == {"agentcli.run.relation": "fork"}


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("workflow", "invoke_workflow reader", "gen_ai.workflow.name"),
        ("tool", "execute_tool reader", "gen_ai.tool.name"),
        ("row", "invoke_agent reader", "gen_ai.agent.name"),
    ],
)
def test_a_run_of_another_kind_is_called_otherwise(kind: str, name: str, key: str) -> None:
    told = two_turns()
    told.row = {"kind": kind, "model": None}
    root = spans(told)[0]
    assert root["name"] == name
    assert attributes(root)[key] == "reader"
    assert "gen_ai.request.model" not in attributes(root)


def test_a_run_that_is_not_over_has_a_trace_too() -> None:
    told = two_turns()
    del told.events[6:]
    open_call = spans(told, content=True)[-1]
    assert open_call["name"] == "execute_tool edit"
    assert "gen_ai.usage.input_tokens" not in attributes(spans(told)[0])
    assert spans(Told())[0]["startTimeUnixNano"] == spans(Told())[0]["endTimeUnixNano"]


@pytest.mark.parametrize("held", [None, b"not json", b"[]", b'{"tools": [5], "settings": 5}', b'{"tools": {}}'])
def test_contents_that_are_lost_or_odd_leave_gaps_alone(held: bytes | None) -> None:
    told = eventful()
    record = told.record()
    told.contents = {} if held is None else dict.fromkeys(told.contents, held)
    assert b"gen_ai.operation.name" in render(record, ExportOptions(content=True))[0].data


def test_the_output_is_json_where_a_schema_is_asked_for() -> None:
    told = Told()
    told.begin()
    told.ask(1, output_schema={"type": "object"})
    told.finish({"a": 1})
    root, chat = spans(told, content=True)
    assert attributes(chat)["gen_ai.output.type"] == "json"
    assert json.loads(attributes(root)["gen_ai.output.messages"])[0]["parts"][0]["content"] == '{"a":1}'


def test_values_have_their_own_types() -> None:
    given = {"b": True, "i": 2**40, "f": 0.5, "s": "x", "l": ["x", 1], "n": None}
    assert otel_values.attributes(given) == [
        {"key": "b", "value": {"boolValue": True}},
        {"key": "i", "value": {"intValue": "1099511627776"}},
        {"key": "f", "value": {"doubleValue": 0.5}},
        {"key": "s", "value": {"stringValue": "x"}},
        {"key": "l", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "1"}]}}},
    ]
    assert otel_values.nanoseconds(1_795_248_932.041) == "1795248932041000000"


def test_every_name_stands_in_the_table() -> None:
    table = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    table |= {name for held in (names.REQUEST_SETTINGS, names.USAGE) for name in held.values()}
    used = {key for told in (two_turns(), eventful()) for span in spans(told, content=True) for key in attributes(span)}
    assert used - table == set()
    assert all(name.startswith(("gen_ai.", "agentcli.", "error.")) for name in used)
