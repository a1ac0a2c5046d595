"""What code may say: everything else is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.tools.agent_code.requests import MOST_DEPTH, WrongRequestError, read_request

ASK = {"wants": "ask", "prompt": "p", "instructions": None, "schema": None, "tools": None}
CALL = {"wants": "tool", "name": "t", "arguments": {}}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        ASK,
        {**ASK, "instructions": "i", "schema": {"type": "object"}, "tools": ["a"]},
        CALL,
        {**CALL, "arguments": {"a": [1, {"b": None}]}},
        {"wants": "say", "text": ""},
        {"wants": "end", "output": nested(MOST_DEPTH - 2)},
        {"wants": "fail", "kind": "KeyError", "message": "", "line": None, "trace": ""},
    ],
)
def test_a_request_is_read(value: dict[str, Any]) -> None:
    assert read_request(value).model_dump(by_alias=True) == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "wants"),
        ({"wants": "approve"}, "wants"),
        ({"wants": ["ask"]}, "wants"),
        ({**ASK, "prompt": ""}, "at least 1"),
        ({**ASK, "prompt": 5}, "valid string"),
        ({**ASK, "prompt": "x" * 200_001}, "at most 200000"),
        ({**ASK, "model": "other:model"}, "not permitted"),
        ({**ASK, "tools": ["a"] * 101}, "at most 100"),
        ({**ASK, "tools": "a"}, "valid list"),
        ({"wants": "ask", "prompt": "p"}, "required"),
        ({**CALL, "arguments": {"a b": 1}}, "match"),
        ({**CALL, "arguments": []}, "valid dictionary"),
        ({**CALL, "name": ""}, "at least 1"),
        ({**CALL, "approved": True}, "not permitted"),
        ({"wants": "say", "text": "x" * 10_001}, "at most 10000"),
        ({"wants": "end"}, "required"),
        ({"wants": "end", "output": 1, "changed": ["a"]}, "not permitted"),
        ({"wants": "end", "output": nested(MOST_DEPTH)}, "levels deep"),
        ({"wants": "fail", "kind": "E", "message": "", "line": "7", "trace": ""}, "valid integer"),
        ({"wants": "fail", "kind": "E", "message": "x" * 2_001, "line": 1, "trace": ""}, "at most 2000"),
    ],
)
def test_everything_else_is_refused(value: dict[str, Any], why: str) -> None:
    with pytest.raises(WrongRequestError, match=why):
        read_request(value)
