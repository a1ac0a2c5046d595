"""Arguments read by a tool's JSON Schema alone: for tools whose code is not in this process, or not on record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from agentcli.core.canonical import encode
from agentcli.core.paths import shown
from agentcli.core.tools import ToolSpec
from agentcli.definitions.nearest import suggestion
from agentcli.errors import ToolArgumentsError

MAX_PROBLEMS: Final = 5
_EXPECTED: Final = {
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "number": "a number",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_SAMPLES: Final = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class SchemaArguments:
    """Reads the arguments of one tool: the same from the same schema, in a run and in its replay.

    Lenient as for built-in tools: `"3"` is a number, an optional argument that is not used may be null.
    """

    spec: ToolSpec

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with defaults filled in. Raises ToolArgumentsError, with each fault and a good call."""
        properties = self._properties
        taken = {
            name: _lenient(value, properties.get(name, {}))
            for name, value in given.items()
            if not self._is_unused(name, value)
        }
        problems = list(self._problems(taken))
        if problems:
            raise self.wrong(given, "; ".join(problems[:MAX_PROBLEMS]))
        defaults = {name: prop["default"] for name, prop in properties.items() if "default" in prop}
        values = {**defaults, **taken}
        return {name: values[name] for name in properties if name in values}

    def wrong(self, given: Mapping[str, Any], problems: str) -> ToolArgumentsError:
        """The error that tells what is wrong."""
        name = self.spec.name
        error = ToolArgumentsError(
            "E-TOOL-ARGUMENTS",
            f"The arguments of {name} do not fit: {problems}.",
            fix=f"A good call: {name} {json.dumps(self.example(), ensure_ascii=False)}",
        )
        return error.in_call(name, given)

    def example(self) -> dict[str, Any]:
        """A call as it may look: the tool's own example, else one made from the schema."""
        if self.spec.examples:
            return self.spec.examples[0]
        return {name: _sample(self._properties.get(name, {})) for name in self.spec.parameters.get("required", ())}

    @property
    def _properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.spec.parameters.get("properties", {})
        return found

    @cached_property
    def _validator(self) -> Any:
        import jsonschema_rs

        return jsonschema_rs.Draft202012Validator(self.spec.parameters)

    def _is_unused(self, name: str, value: Any) -> bool:
        if value is not None or name in self.spec.parameters.get("required", ()):
            return False
        return name not in self._properties or not _may_be_null(self._properties[name])

    def _problems(self, taken: Mapping[str, Any]) -> Iterator[str]:
        for name in taken:
            if name not in self._properties:
                hint = suggestion(name, self._properties, f"the arguments are {', '.join(self._properties) or 'none'}")
                yield f"`{shown(name)}` is no argument: {hint[:1].lower()}{hint[1:]}"
        for name in self.spec.parameters.get("required", ()):
            if name not in taken:
                yield f"`{name}` is missing: it must be {_expected(self._properties.get(name, {}))}"
        for problem in self._validator.iter_errors(dict(taken)) if _is_json(taken) else ():
            if problem.instance_path:
                yield self._described(list(problem.instance_path), problem.message, taken)
        if not _is_json(taken):
            yield "they hold half a character (a lone surrogate), or a number that JSON does not have"

    def _described(self, path: list[Any], message: str, taken: Mapping[str, Any]) -> str:
        if len(path) > 1:
            place = "".join(f"[{step!r}]" for step in path[1:])
            return f"`{shown(str(path[0]))}`{place}: {shown(message)}"
        name = str(path[0])
        value = json.dumps(taken[name], ensure_ascii=False, default=str)
        return f"`{shown(name)}` must be {_expected(self._properties.get(name, {}))}, not {shown(value)}"


def _lenient(value: Any, schema: Mapping[str, Any]) -> Any:
    """A text that is a number or a truth value, where one is wanted and a text is not."""
    kind = schema.get("type")
    if not isinstance(value, str) or kind not in ("integer", "number", "boolean"):
        return value
    if kind == "boolean":
        return _TRUTH.get(value.strip().lower(), value)
    try:
        return int(value) if kind == "integer" else float(value)
    except ValueError:
        return value


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if kind is None and "anyOf" not in schema:
        return "enum" not in schema or None in schema["enum"]
    return "null" in (kind, *(kind if isinstance(kind, list) else ())) or any(
        _may_be_null(option) for option in schema.get("anyOf", ())
    )


def _expected(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(json.dumps(value, ensure_ascii=False) for value in schema['enum'])}"
    words = _EXPECTED.get(str(schema.get("type", "")), "another value")
    if "format" in schema:
        words += f" ({schema['format']})"
    if "minimum" in schema:
        words += f" from {schema['minimum']}"
    if "maximum" in schema:
        words += f" to {schema['maximum']}"
    return words


def _sample(schema: Mapping[str, Any]) -> Any:
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    return schema.get("default", _SAMPLES.get(str(schema.get("type", "")), "…"))


def _is_json(value: Any) -> bool:
    try:
        encode(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
