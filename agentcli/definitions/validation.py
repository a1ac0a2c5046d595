"""What pydantic finds wrong with a file's data, told by line and column, with what was expected and what to write."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentcli.core.agents import INPUT_NAME, MODEL, NAME, TOOL
from agentcli.core.canonical import Json
from agentcli.definitions.nearest import listed, nearest, suggestion
from agentcli.definitions.problems import Problems
from agentcli.definitions.yaml_source import Path, Source

T = TypeVar("T", bound=BaseModel)

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_BOUNDS: dict[str, tuple[str, str]] = {
    "greater_than": ("more than {}", "gt"),
    "greater_than_equal": ("at least {}", "ge"),
    "less_than": ("less than {}", "lt"),
    "less_than_equal": ("at most {}", "le"),
    "string_too_short": ("text of at least {} characters", "min_length"),
    "string_too_long": ("text of at most {} characters", "max_length"),
    "too_short": ("at least {} items", "min_length"),
    "too_long": ("at most {} items", "max_length"),
}
_PATTERNS = {
    NAME: "a name of lower-case letters, digits, `-` and `_`",
    MODEL: "`provider:model`, such as `openai:gpt-5-mini`",
    TOOL: "a tool's name: letters, digits, `_`, `.` and `-`",
    INPUT_NAME: "a name of letters, digits and `_`",
}


def validate(model: type[T], source: Source, problems: Problems) -> T:
    """The file's data as `model`. Raises DefinitionError with everything that is not valid in it."""
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        consequences = set(_consequences(errors, model))
        for found in errors:
            if (found["type"], found["loc"]) not in consequences and not problems.full:
                report(found, model, source, problems)
        raise problems.error() from None


def _consequences(errors: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> Iterator[tuple[str, Path]]:
    """Errors that there are only because of others: the key that an unknown one was meant to be is missing, too, and
    a list is too short without its bad items.
    """
    for found in errors:
        loc = found["loc"]
        if found["type"] == "extra_forbidden":
            yield "missing", (*loc[:-1], nearest(str(loc[-1]), keys_at(model, loc[:-1])) or "")
        yield from (("too_short", loc[:depth]) for depth in range(len(loc)))


def report(found: Mapping[str, Any], model: type[BaseModel], source: Source, problems: Problems) -> None:
    """Note one of pydantic's errors."""
    loc, kind = source.known(found["loc"]), found["type"]
    if kind == "extra_forbidden":
        _unknown_key(loc, model, source, problems)
    elif kind == "missing":
        name, inside = found["loc"][-1], f" in `{dotted(loc)}`" if loc else ""
        what, why = f"`{name}` is missing{inside}.", "It has no default."
        problems.add("MISSING-KEY", what, why=why, fix=f"Add `{name}:`.", at=source.where(loc))
    elif found["loc"][-1:] == ("[key]",):
        what, why = f"`{loc[-1]}` is not a valid key.", f"Expected {_expected(found)}."
        problems.add("VALUE", what, why=why, fix="Rename it.", at=source.where_key(loc))
    elif kind in _TYPES:
        _wrong_type(found, loc, source, problems)
    elif kind == "misplaced":
        context = found["ctx"]
        what, why = f"`{loc[-1]}` cannot stand beside `{context['beside']}`.", "It belongs to another kind of step."
        problems.add("VALUE", what, why=why, fix=context["fix"], at=source.where_key(loc))
    elif kind == "unquoted":
        why, at = f"Expected {_expected(found)}.", source.where(loc)
        problems.add("QUOTE", f"`{dotted(loc)}` is not text.", why=why, fix="Quote the whole text.", at=at)
    else:
        why = f"Expected {_expected(found)}, found {shown(found['input'])}."
        problems.add(
            "VALUE", f"`{dotted(loc)}` has no valid value.", why=why, fix=_value_fix(found), at=source.where(loc)
        )


def dotted(path: Path) -> str:
    """`settings.temperature`, `steps[0].prompt`."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}"
    return out.removeprefix(".")


def shown(value: Json) -> str:
    """A value of a file as an error shows it: short, and never a whole collection."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 60 else f'the text "{value[:59]}…"'
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, dict) else str(value)[:60]


def _unknown_key(loc: Path, model: type[BaseModel], source: Source, problems: Problems) -> None:
    names = keys_at(model, loc[:-1])
    inside = f"`{dotted(loc[:-1])}`" if loc[:-1] else "The file"
    problems.add(
        "UNKNOWN-KEY",
        f"There is no key `{loc[-1]}` here.",
        why=f"{inside} may have: {listed(names, 20)}.",
        fix=suggestion(str(loc[-1]), names, "Remove it."),
        at=source.where_key(loc),
    )


def _wrong_type(found: Mapping[str, Any], loc: Path, source: Source, problems: Problems) -> None:
    value, expected = found["input"], _TYPES[found["type"]]
    name, spot = f"`{dotted(loc)}`" if loc else "The file", source.spot(loc)
    kind, fix = "TYPE", f"Write {expected}."
    if expected == "text" and isinstance(value, (bool, int, float)):
        kind, fix = "QUOTE", f'Quote it: "{source.text[spot.start : spot.end]}".'
    elif expected == "text" and isinstance(value, dict) and value:
        kind, fix = "QUOTE", "Quote the whole text, or put it on lines of its own after `|`."
    elif expected == "true or false" and value in ("yes", "no", "on", "off", "Yes", "No", "On", "Off"):
        fix = f"Write `{'true' if value.lower() in ('yes', 'on') else 'false'}`."
    elif isinstance(value, str) and spot.style == "quoted" and expected in ("a number", "a whole number"):
        fix = "Remove the quotes." if re.fullmatch(r"[-+.\d]+", value) else fix
    elif expected == "a list" and isinstance(value, str):
        fix = f"Write `[{value}]`." if len(value) <= 40 else fix
    why = f"Expected {expected}, found {shown(value)}."
    problems.add(kind, f"{name} has the wrong type.", why=why, fix=fix, at=(spot.line, spot.column))


def _expected(found: Mapping[str, Any]) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        if kind == "string_too_short" and context[key] == 1:
            return "text that is not empty"
        bound = context[key]
        return words.format(int(bound) if bound == int(bound) else bound)
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"text that matches {context['pattern']}")
    if kind == "literal_error":
        choices = _choices(context)
        return f"one of {', '.join(choices)}" if len(choices) > 1 else f"`{choices[0]}`"
    return str(found["msg"]).removeprefix("expected ")


def _choices(context: Mapping[str, Any]) -> list[str]:
    return [text.strip("'") for text in re.split(r", | or ", str(context["expected"]))]


def _value_fix(found: Mapping[str, Any]) -> str:
    value = found["input"]
    if found["type"] == "literal_error" and isinstance(value, str):
        near = nearest(value, _choices(found["ctx"]))
        return f"Did you mean `{near}`?" if near else "Use one of them."
    return "Change it to what is expected."


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that a model, or a model inside it, may have; none where the types do not tell."""
    inner = type_at(model, path)
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
        return []
    return [field.alias or name for name, field in inner.model_fields.items()]


def type_at(annotation: Any, path: Path) -> Any:
    """The type of what stands at `path` inside a model or type; None where nothing can stand."""
    for part in path:
        annotation = _step(_plain(annotation), part)
    return _plain(annotation)


def _step(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return next((field.annotation for name, field in fields if part in (name, field.alias)), None)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is dict and isinstance(part, str):
        return arguments[1]
    return arguments[0] if origin in (tuple, list) and isinstance(part, int) else None


def _plain(annotation: Any) -> Any:
    """The type without Annotated and without `| None`."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return _plain(typing.get_args(annotation)[0])
    return annotation
