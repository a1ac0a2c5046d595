"""Arguments read by a schema alone."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.core.tools import ToolSpec
from agentcli.errors import ToolArgumentsError
from agentcli.tools.by_schema import SchemaArguments

PARAMETERS = {
    "type": "object",
    "properties": {
        "word": {"type": "string"},
        "most": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        "deep": {"type": "boolean"},
        "share": {"type": "number"},
        "how": {"enum": ["fast", "well"], "type": "string"},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "any": {},
    },
    "required": ["word"],
    "additionalProperties": False,
}


def reader(**changes: Any) -> SchemaArguments:
    return SchemaArguments(ToolSpec("find", "Find.", {**PARAMETERS, **changes}, "read-only", source="a.py"))


def refused(**given: Any) -> ToolArgumentsError:
    with pytest.raises(ToolArgumentsError) as caught:
        reader().read(given)
    return caught.value


def test_defaults_are_filled_in_and_the_order_is_the_schemas() -> None:
    assert list(reader().read({"deep": True, "word": "tea"}).items()) == [("word", "tea"), ("most", 5), ("deep", True)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"most": "3"}, {"most": 3}),
        ({"deep": "True"}, {"deep": True}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"deep": None, "share": None, "how": None}, {}),
        ({"maybe": None, "any": None}, {"maybe": None, "any": None}),
        ({"no_such": None}, {}),
    ],
)
def test_what_models_write_instead_is_understood(given: dict[str, Any], read: dict[str, Any]) -> None:
    assert reader().read({"word": "tea", **given}) == {"word": "tea", "most": 5, **read}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wort": "tea"}, "`wort` is no argument: did you mean `word`?"),
        ({"zzz": 1}, "`zzz` is no argument: the arguments are word, most"),
        ({}, "`word` is missing: it must be a text"),
        ({"word": None}, "`word` must be a text, not null"),
        ({"word": "x", "most": "many"}, '`most` must be a whole number from 1 to 9, not "many"'),
        ({"word": "x", "most": 10}, "`most` must be a whole number from 1 to 9, not 10"),
        ({"word": "x", "how": "slow"}, '`how` must be one of "fast", "well", not "slow"'),
        ({"word": "x", "day": 3}, "`day` must be a text (date), not 3"),
        ({"word": "x", "tags": ["a", 3]}, "`tags`[1]: 3 is not of type"),
        ({"word": "x\ud800"}, "half a character"),
        ({"word": "x", "share": float("nan")}, "a number that JSON does not have"),
    ],
)
def test_what_does_not_fit_is_told_so_that_it_can_be_put_right(given: dict[str, Any], said: str) -> None:
    error = refused(**given)
    assert said in error.info.what
    assert error.info.fix == 'A good call: find {"word": "…"}'
    assert (error.tool, error.arguments) == ("find", given)


def test_only_the_first_faults_are_told() -> None:
    assert refused(**{f"x{number}": 1 for number in range(100)}).info.what.count("is no argument") == 5


def test_an_example_is_the_tools_own_or_made_up() -> None:
    spec = ToolSpec("find", "Find.", PARAMETERS, "read-only", examples=({"word": "tea"},))
    assert SchemaArguments(spec).example() == {"word": "tea"}
    required = ["word", "most", "deep", "how", "tags", "any"]
    assert reader(required=required).example() == {
        "word": "…",
        "most": 5,
        "deep": True,
        "how": "fast",
        "tags": [],
        "any": "…",
    }


def test_a_tool_without_arguments_says_so() -> None:
    with pytest.raises(ToolArgumentsError, match="the arguments are none"):
        reader(properties={}, required=[]).read({"x": 1})
