"""A tool's arguments: read leniently, described to models in few words, complained about so that they can be fixed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo

from agentcli.core.paths import shown
from agentcli.errors import ToolArgumentsError

_NOTHING = (None, "", "null", "None")
"""What models write for an optional argument that they do not use."""

_EXPECTED = {
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "number": "a number",
    "array": "a list of texts",
    "object": "an object of texts by name",
}


_TYPES: Final[Mapping[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS: Final = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}


class Arguments(BaseModel):
    """Base of all arguments: `"3"` is a number, an unused optional argument may be null, nothing unknown is let by."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_unused(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if not cls._is_unused(name, value)}

    @classmethod
    def _is_unused(cls, name: str, value: Any) -> bool:
        field = _fields(cls).get(name)
        if field is None:
            return value is None
        if field.is_required():
            return False
        return value is None if field.annotation is str else value in _NOTHING


A = TypeVar("A", bound=Arguments)


def schema_of(model: type[Arguments]) -> dict[str, Any]:
    """The JSON Schema of the arguments, as small as it can be said: small models read it too.

    Read off the fields, which are texts, numbers, truth values and texts by name; pydantic's own generator takes 10 ms
    to load and says titles and null alternatives besides.
    """
    fields = _fields(model)
    required = [name for name, field in fields.items() if field.is_required()]
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


@cache
def _fields(model: type[Arguments]) -> dict[str, FieldInfo]:
    """The fields by the names that callers use: `from` is no name for an attribute."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def read(model: type[A], tool: str, given: Mapping[str, Any], example: Mapping[str, Any]) -> A:
    """The arguments, read. Raises ToolArgumentsError, which names each bad one and shows a good call."""
    try:
        found = model.model_validate(dict(given))
    except ValidationError as error:
        properties = schema_of(model)["properties"]
        problems = "; ".join(_problem(problem, properties) for problem in error.errors(include_url=False)[:5])
        raise _wrong(tool, given, problems, example) from error
    unusable = [name for name, value in vars(found).items() if not _is_encodable(value)]
    if unusable:
        raise _wrong(tool, given, f"`{unusable[0]}` holds half a character (a lone surrogate)", example)
    return found


def _property(field: FieldInfo) -> dict[str, Any]:
    """One argument; that it may be null, and is by default, is not worth a word."""
    out: dict[str, Any] = {}
    if not field.is_required() and field.default is not None:
        out["default"] = field.default
    if field.description:
        out["description"] = field.description
    for bound in field.metadata:
        out |= {word: getattr(bound, name) for name, word in _BOUNDS.items() if hasattr(bound, name)}
    kind = _kind(field.annotation)
    return {**(_of_items(out) if kind["type"] == "array" else out), **kind}


def _kind(annotation: Any) -> dict[str, Any]:
    """The type: one of texts, texts by name, a list of texts, or a plain one, which may also be null."""
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation)), "type": "string"}
    if annotation == dict[str, str]:
        return {"additionalProperties": {"type": "string"}, "type": "object"}
    kinds = get_args(annotation) or (annotation,)
    if list[str] in kinds:
        return {"type": "array", "items": {"type": "string"}}
    (kind,) = [_TYPES[kind] for kind in kinds if kind in _TYPES]
    return {"type": kind}


def _of_items(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds of a length, of a list."""
    return {name.replace("Length", "Items"): value for name, value in bounds.items()}


def _problem(problem: Any, properties: Mapping[str, Any]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "arguments"
    kind = problem["type"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(name, properties, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"the arguments are {', '.join(properties)}"
        return f"`{shown(name)}` is no argument: {hint}"
    expected = _expected(properties.get(name, {}))
    if kind == "missing":
        return f"`{name}` is missing: it must be {expected}"
    return f"`{name}` must be {expected}, not {_given(problem['input'])}"


def _expected(prop: Mapping[str, Any]) -> str:
    if "enum" in prop:
        return f"one of {', '.join(prop['enum'])}"
    words = _EXPECTED.get(prop.get("type", ""), "another value")
    if "minimum" in prop:
        words += f" from {prop['minimum']}"
    if prop.get("minLength"):
        words += " that is not empty"
    if "maxLength" in prop:
        words += f" of at most {prop['maxLength']:,} characters"
    return words


def _given(value: Any) -> str:
    if isinstance(value, str) and len(value) > 100:
        return f"{len(value):,} characters"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return shown(text)


def _wrong(tool: str, given: Mapping[str, Any], problems: str, example: Mapping[str, Any]) -> ToolArgumentsError:
    error = ToolArgumentsError(
        "E-TOOL-ARGUMENTS",
        f"The arguments of {tool} do not fit: {problems}{'' if problems.endswith('?') else '.'}",
        fix=f"A good call: {tool} {json.dumps(example, ensure_ascii=False)}",
    )
    return error.in_call(tool, given)


def _is_encodable(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    try:
        for text in texts:
            if isinstance(text, str):
                text.encode()
    except UnicodeEncodeError:
        return False
    return True
