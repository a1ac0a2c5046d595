"""A function's arguments: their JSON Schema for models, and the values that the function wants, made of JSON."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import ArgsKwargs

from agentcli.core.declaring import Declared
from agentcli.definitions.docstrings import described

_CONFIG: Final = ConfigDict(use_attribute_docstrings=True, regex_engine="python-re")


class ArgumentsError(Exception):
    """Arguments that the function's types do not take."""


class SignatureError(Exception):
    """A function that cannot be a tool. Its text says why."""


class _Quiet(GenerateJsonSchema):
    """A default that is no JSON is left out without a word: models need not know it."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Nobody would read it."""


@dataclass(frozen=True)
class Function:
    """A declared function. Its schema is made when it is first asked for, and kept."""

    declared: Declared
    function: Callable[..., Any]

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What models and people are told, as JSON. Raises SignatureError."""
        said = described(inspect.getdoc(self.function))
        return {
            "name": self.declared.name,
            "description": said.description or f"The function {self.declared.name}.",
            "parameters": self._parameters(said.parameters),
            "returns": said.returns or "What the function gives back.",
        }

    def arguments(self, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The values to call the function with. Raises ArgumentsError."""
        try:
            taken: tuple[tuple[Any, ...], dict[str, Any]] = self._adapter.validate_python(ArgsKwargs((), given))
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)[:5]
            raise ArgumentsError("; ".join(_problem(problem) for problem in problems)) from error
        return taken

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        """Of a stand-in with the same arguments that gives them back: what the function itself raises is its own."""
        _refuse_odd(self.function)

        @functools.wraps(self.function)
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            return args, kwargs

        try:
            return TypeAdapter(cast("Any", stand_in), config=_CONFIG)
        except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError) as error:
            raise SignatureError(f"its types have no JSON Schema ({str(error).splitlines()[0]})") from error

    def _parameters(self, descriptions: dict[str, str]) -> dict[str, Any]:
        try:
            schema = self._adapter.json_schema(schema_generator=_Quiet)
        except PydanticUserError as error:
            raise SignatureError(f"its types have no JSON Schema ({str(error).splitlines()[0]})") from error
        schema = small(json.loads(json.dumps(schema)))
        properties: dict[str, Any] = schema.get("properties", {})
        for name, description in descriptions.items():
            if name in properties:
                properties[name] = {"description": description} | properties[name]
        required = {"required": schema["required"]} if schema.get("required") else {}
        kept = {"$defs": schema["$defs"]} if "$defs" in schema else {}
        return {"type": "object", "properties": properties, **required, "additionalProperties": False, **kept}


def small(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema in few words: no titles, definitions where they are used, no null where null is what is left out."""
    shared: dict[str, Any] = schema.pop("$defs", {})
    out = _put_in(schema, shared, ())
    used = _references(out)
    kept = {name: _put_in(part, {}, ()) for name, part in shared.items() if used}
    return {**out, "$defs": kept} if used else out


def _put_in(schema: Any, shared: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_put_in(item, shared, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name in shared and name not in inside and not _is_recursive(name, shared):
        found = _put_in(shared[name], shared, (*inside, name))
        return {**found, **_put_in({key: value for key, value in schema.items() if key != "$ref"}, shared, inside)}
    out = {
        key: _of_properties(value, shared, inside) if key == "properties" else _put_in(value, shared, inside)
        for key, value in schema.items()
        if key != "title"
    }
    return _without_null(out)


def _of_properties(properties: Any, shared: dict[str, Any], inside: tuple[str, ...]) -> Any:
    """Here keys are names of people's: one may be called `title`."""
    return {name: _put_in(value, shared, inside) for name, value in properties.items()}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf")
    if "default" not in schema or schema["default"] is not None:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    if not isinstance(options, list):
        return rest
    left = [option for option in options if option != {"type": "null"}]
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def _is_recursive(name: str, shared: dict[str, Any]) -> bool:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for found in _references(shared.get(waiting.pop(), {})):
            if found == name:
                return True
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return False


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = schema.get("$ref")
    found = {own.removeprefix("#/$defs/")} if isinstance(own, str) else set()
    return found.union(*(_references(value) for value in schema.values()))


def _refuse_odd(function: Callable[..., Any]) -> None:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in kinds:
            raise SignatureError(f"`{name}` cannot be given by its name")
        if parameter.annotation is inspect.Parameter.empty:
            raise SignatureError(f"`{name}` has no type")


def _problem(problem: Any) -> str:
    place = [str(part) for part in problem["loc"]]
    name = f"`{place[0]}`" + "".join(f"[{part}]" for part in place[1:]) if place else "they"
    return f"{name}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
