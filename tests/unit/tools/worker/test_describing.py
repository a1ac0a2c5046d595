"""From type hints to JSON Schema, and from JSON back to the values that the types promise."""

from __future__ import annotations

import enum
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_jsonable_python

from agentcli.core.declaring import Declared
from agentcli.core.tools import ToolSpec
from agentcli.errors import ToolArgumentsError
from agentcli.tools.by_schema import SchemaArguments
from agentcli.tools.worker.describing import ArgumentsError, Function, SignatureError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    """Where it is."""

    title: str
    near: Place | None = None


@dataclass
class Box:
    width: int
    labels: list[str] = field(default_factory=list)


def function(of: Callable[..., Any]) -> Function:
    return Function(Declared(of.__name__), of)


def parameters(of: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = function(of).spec["parameters"]
    return found


def properties(of: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = parameters(of)["properties"]
    return found


def test_hints_and_docstring_become_a_small_schema() -> None:
    def find(
        word: str,
        most: Annotated[int, Field(ge=1, le=9, description="At most so many.")] = 5,
        where: Optional[str] = None,  # noqa: UP045 - both spellings must do
        how: Literal["fast", "well"] = "fast",
        since: date | None = None,
    ) -> list[str]:
        """Find a word.

        Args:
            word: What to look for.
            most: Not this: the annotation says it.
        """
        return [word]

    assert function(find).spec["description"] == "Find a word."
    assert parameters(find) == {
        "type": "object",
        "properties": {
            "word": {"description": "What to look for.", "type": "string"},
            "most": {"default": 5, "description": "At most so many.", "maximum": 9, "minimum": 1, "type": "integer"},
            "where": {"type": "string"},
            "how": {"default": "fast", "enum": ["fast", "well"], "type": "string"},
            "since": {"format": "date", "type": "string"},
        },
        "required": ["word"],
        "additionalProperties": False,
    }


def test_a_function_without_arguments_has_an_empty_schema() -> None:
    def now() -> str:
        return "now"

    assert parameters(now) == {"type": "object", "properties": {}, "additionalProperties": False}
    assert function(now).spec["description"] == "The function now."


def test_types_of_the_module_are_put_where_they_are_used() -> None:
    def paint(colour: Colour, box: Box, title: str = "x", schema: int = 1, copy: bool = True) -> None: ...

    found = properties(paint)
    assert found["colour"] == {"enum": ["red", "blue"], "type": "string"}
    assert found["box"]["properties"]["width"] == {"type": "integer"}
    assert list(found) == ["colour", "box", "title", "schema", "copy"]
    assert "$defs" not in parameters(paint)


def test_a_type_that_holds_itself_keeps_its_definition() -> None:
    def go(to: Place) -> None: ...

    found = parameters(go)
    assert "title" in found["$defs"]["Place"]["properties"]
    jsonschema_rs.Draft202012Validator(found).validate({"to": {"title": "a", "near": {"title": "b"}}})
    (to,) = function(go).arguments({"to": {"title": "a", "near": {"title": "b"}}})[1].values()
    assert to == Place(title="a", near=Place(title="b"))


def test_a_null_that_means_something_stays() -> None:
    def put(value: str | None) -> None: ...

    assert properties(put)["value"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_a_default_that_is_no_json_is_left_out() -> None:
    def put(value: int = inspect.Parameter.empty) -> None: ...  # type: ignore[assignment]

    assert properties(put)["value"]["type"] == "integer"


def test_arguments_become_what_the_types_say() -> None:
    def put(colour: Colour, box: Box, day: date, path: Path, money: Decimal, one: UUID, *, most: int = 3) -> None: ...

    given = {
        "colour": "red",
        "box": {"width": 3, "labels": ["a"]},
        "day": "2026-11-20",
        "path": "a/b",
        "money": "1.50",
        "one": "12345678-1234-5678-1234-567812345678",
    }
    args, kwargs = function(put).arguments(given)
    values = list(args) + list(kwargs.values())
    assert values[:5] == [Colour.RED, Box(3, ["a"]), date(2026, 11, 20), Path("a/b"), Decimal("1.50")]
    assert isinstance(values[5], UUID)


def test_arguments_that_do_not_fit_are_named() -> None:
    def put(box: Box, most: int) -> None: ...

    with pytest.raises(ArgumentsError) as caught:
        function(put).arguments({"box": {"width": "wide"}, "most": None, "more": 1})
    text = str(caught.value)
    assert "`box`[width]: input should be a valid integer" in text
    assert "`most`" in text
    assert "`more`" in text


class Opaque: ...


def test_a_type_without_a_schema_is_told() -> None:
    def put(value: Opaque) -> None: ...

    def call(value: Callable[[], int]) -> None: ...

    for of in (put, call):
        with pytest.raises(SignatureError, match="no JSON Schema"):
            _ = function(of).spec


def test_a_name_that_is_not_there_is_told() -> None:
    def put(value: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(SignatureError, match="Nowhere"):
        _ = function(put).spec


def test_odd_signatures_are_told() -> None:
    def rest(*values: int) -> None: ...

    def first(value: int, /) -> None: ...

    def untyped(value) -> None: ...  # type: ignore[no-untyped-def]

    for of, why in ((rest, "by its name"), (first, "by its name"), (untyped, "has no type")):
        with pytest.raises(SignatureError, match=why):
            _ = function(of).spec


def test_a_schema_is_made_once() -> None:
    def put(value: int) -> None: ...

    one = function(put)
    assert one.spec is one.spec


KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, st.text(st.characters(codec="utf-8"))),
    (int, st.integers(-(2**53), 2**53)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (Colour, st.sampled_from(Colour)),
    (date, st.dates()),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (list[int], st.lists(st.integers(-9, 9), max_size=4)),
    (dict[str, bool], st.dictionaries(st.text(st.characters(codec="ascii"), max_size=3), st.booleans(), max_size=3)),
    (Box, st.builds(Box, st.integers(0, 9), st.lists(st.text("ab"), max_size=2))),
    (tuple[int, str], st.tuples(st.integers(0, 9), st.text("ab"))),
    (str | None, st.none() | st.text("ab")),
]


@st.composite
def signatures(draw: st.DrawFn) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A function of some typed arguments, and values for those that are given."""
    chosen = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    made, values = [], {}
    for number, (kind, strategy) in enumerate(chosen):
        name, keyword = f"a{number}", inspect.Parameter.KEYWORD_ONLY
        optional = draw(st.booleans())
        default = draw(strategy) if optional else inspect.Parameter.empty
        made.append(inspect.Parameter(name, keyword, annotation=kind, default=default))
        if not optional or draw(st.booleans()):
            values[name] = draw(strategy)

    def of(**given: Any) -> Any:
        return given

    of.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]
    of.__annotations__ = {one.name: one.annotation for one in made}
    return of, values


@given(signatures())
def test_what_a_schema_lets_through_arrives_as_it_was_meant(made: tuple[Callable[..., Any], dict[str, Any]]) -> None:
    of, values = made
    one = function(of)
    spec = ToolSpec("of", "", json.loads(json.dumps(one.spec["parameters"])), "read-only", source="a.py")
    jsonschema_rs.Draft202012Validator(spec.parameters)
    arguments = SchemaArguments(spec)
    given = json.loads(json.dumps({name: to_jsonable_python(value) for name, value in values.items()}))
    parsed = arguments.read(given)
    assert arguments.read(parsed) == parsed
    _, kwargs = one.arguments(parsed)
    for name, value in values.items():
        assert TypeAdapter(Any).dump_python(kwargs[name]) == TypeAdapter(Any).dump_python(value)


@given(
    signatures(),
    st.dictionaries(st.sampled_from(["a0", "a1", "b"]), st.none() | st.integers() | st.text() | st.lists(st.none())),
)
def test_whatever_a_model_writes_is_read_or_refused_in_words(
    made: tuple[Callable[..., Any], dict[str, Any]], wild: dict[str, Any]
) -> None:
    spec = ToolSpec("of", "", function(made[0]).spec["parameters"], "read-only", source="a.py")
    try:
        SchemaArguments(spec).read(wild)
    except ToolArgumentsError as error:
        info = error.info
        texts = (info.what[:32], info.fix[:17])
    else:
        texts = ("The arguments of of do not fit: ", "A good call: of {")
    assert texts == ("The arguments of of do not fit: ", "A good call: of {")
