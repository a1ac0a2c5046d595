"""Two JSON values, place by place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.workbench.comparing.differences import Place, differences, same

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def found(a: Any, b: Any) -> list[tuple[str, str, str, Any, Any]]:
    return [(one.path, one.name, one.change, one.a, one.b) for one in differences(a, b, Place("x"))]


@given(json_values, json_values)
def test_there_is_a_difference_where_values_are_not_the_same(a: Any, b: Any) -> None:
    assert bool(found(a, b)) != same(a, b)


@given(json_values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert found(value, value) == []


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, True, [("$", "", "changed", 1, True)]),
        (1, 1.0, [("$", "", "changed", 1, 1.0)]),
        ({"a": 1}, {"a": 2}, [("$['a']", "a", "changed", 1, 2)]),
        ({"a": {"b": 1}}, {"a": {}}, [("$['a']['b']", "a b", "removed", 1, None)]),
        ({}, {"a": None}, [("$['a']", "a", "added", None, None)]),
        ({"it's": 1}, {"it's": 2}, [("$['it\\'s']", "it's", "changed", 1, 2)]),
        ([1, 2, 3], [1, 9, 2, 3], [("$[1]", "", "added", None, 9)]),
        ([1, 2, 3], [1, 3], [("$[1]", "", "removed", 2, None)]),
        ([1, [2, 4]], [1, [3, 4]], [("$[1][0]", "", "changed", 2, 3)]),
        ({"a": [1]}, {"a": 1}, [("$['a']", "a", "changed", [1], 1)]),
    ],
)
def test_each_place_is_named(a: Any, b: Any, expected: list[Any]) -> None:
    assert found(a, b) == expected


def test_named_objects_are_compared_by_name() -> None:
    a = {"tools": [{"name": "read", "v": 1}, {"name": "grep", "v": 1}, {"name": "list", "v": 1}]}
    b = {"tools": [{"name": "grep", "v": 2}, {"name": "read", "v": 1}, {"name": "make", "v": 1}]}
    assert found(a, b) == [
        ("$['tools'][0]['v']", "grep v", "changed", 1, 2),
        ("$['tools'][2]", "list", "removed", {"name": "list", "v": 1}, None),
        ("$['tools'][2]", "make", "added", None, {"name": "make", "v": 1}),
        ("$['tools']", "tools", "reordered", ["read", "grep"], ["grep", "read"]),
    ]


def test_two_objects_of_one_name_are_compared_by_their_place() -> None:
    a, b = [{"name": "x", "v": 1}, {"name": "x", "v": 2}], [{"name": "x", "v": 1}, {"name": "x", "v": 3}]
    assert found(a, b) == [("$[1]['v']", "v", "changed", 2, 3)]


def test_long_texts_are_compared_by_words_and_short_ones_where_they_are_prose() -> None:
    [short] = differences("port 1", "port 2", Place("x"))
    [prose] = differences("port 1", "port 2", Place("x"), prose=True)
    [long] = differences("port 1\n", "port 2\n", Place("x"))
    assert short.text is None
    assert prose.text is not None
    assert long.to_json()["text"] == [["=", "port "], ["-", "1"], ["+", "2"], ["=", "\n"]]


def test_very_deep_values_are_compared_whole() -> None:
    a: Any = 1
    b: Any = 2
    for _ in range(60):
        a, b = [a], [b]
    [one] = differences(a, b, Place("x"))
    assert one.path == "$" + "[0]" * 40
