"""Inputs as they are typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.catalog.inputs import MAX_INPUT, convert
from agentcli.core.agents import InputSpec
from agentcli.errors import UsageError


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " as it is \n", " as it is \n"),
        ("string", "42", "42"),
        ("integer", " -7 ", -7),
        ("number", "2.5", 2.5),
        ("number", "3", 3),
        ("boolean", "Yes", True),
        ("boolean", "off", False),
        ("array", "[1, 2]", [1, 2]),
        ("object", '{"a": null}', {"a": None}),
        ("integer", 7, 7),
        ("array", [1], [1]),
        ("boolean", False, False),
    ],
)
def test_a_text_is_converted_to_the_declared_type(kind: Any, text: object, value: object) -> None:
    assert convert({"x": InputSpec(type=kind)}, {"x": text}) == {"x": value}


@pytest.mark.parametrize(
    ("kind", "given_value"),
    [
        ("integer", "2.5"),
        ("integer", "seven"),
        ("integer", 2.5),
        ("integer", True),
        ("number", "NaN"),
        ("number", "1e999"),
        ("number", "text"),
        ("boolean", "maybe"),
        ("boolean", 1),
        ("array", "a, b"),
        ("array", "{}"),
        ("array", "[1e999]"),
        ("object", "[" * 100_000),
        ("object", "[]"),
        ("string", 3),
    ],
)
def test_what_does_not_fit_is_refused_with_an_example(kind: Any, given_value: object) -> None:
    with pytest.raises(UsageError) as caught:
        convert({"x": InputSpec(type=kind)}, {"x": given_value})
    assert caught.value.code == "E-INPUT-TYPE"
    assert caught.value.info.fix.startswith("Write `-i x")


def test_defaults_are_filled_in_and_what_may_be_left_out_is_null() -> None:
    specs = {"a": InputSpec(default="d"), "b": InputSpec(required=False), "c": InputSpec()}
    assert convert(specs, {"c": "x"}) == {"a": "d", "b": None, "c": "x"}


def test_a_missing_input_is_named_with_what_it_is_for() -> None:
    specs = {"a": InputSpec(description="Where to look."), "b": InputSpec()}
    with pytest.raises(UsageError) as caught:
        convert(specs, {})
    assert (caught.value.code, caught.value.info.fix) == ("E-INPUT-MISSING", "Write `-i a=…`.")
    assert caught.value.info.why == "Where to look. Also missing: b."


def test_an_unknown_input_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        convert({"topic": InputSpec(default="x")}, {"topc": "y"})
    assert (caught.value.code, caught.value.info.fix) == ("E-INPUT-UNKNOWN", "Did you mean `topic`?")
    with pytest.raises(UsageError) as caught:
        convert({}, {"x": "y"})
    assert caught.value.info.why == "The template declares no inputs."


def test_only_the_listed_values_are_taken() -> None:
    specs = {"size": InputSpec(enum=("small", "large"))}
    assert convert(specs, {"size": "small"}) == {"size": "small"}
    with pytest.raises(UsageError) as caught:
        convert(specs, {"size": "smal"})
    assert (caught.value.code, caught.value.info.fix) == ("E-INPUT-VALUE", "Did you mean `small`?")


def test_a_huge_input_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        convert({"x": InputSpec()}, {"x": "y" * (MAX_INPUT + 1)})
    assert caught.value.code == "E-INPUT-SIZE"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_json_text_and_json_value_give_the_same(value: dict[str, object]) -> None:
    specs = {"x": InputSpec(type="object")}
    assert convert(specs, {"x": json.dumps(value)}) == convert(specs, {"x": value}) == {"x": value}


@given(st.text(max_size=30), st.sampled_from(["string", "integer", "number", "boolean", "array", "object"]))
def test_any_text_is_converted_or_refused(text: str, kind: Any) -> None:
    try:
        assert set(convert({"x": InputSpec(type=kind)}, {"x": text})) == {"x"}
    except UsageError as error:
        caught = error
    else:
        return
    assert caught.code == "E-INPUT-TYPE"
