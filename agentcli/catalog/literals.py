"""Values that are written out in a workflow, against what they are given to: a tool's arguments, declared inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from agentcli.catalog.inputs import convert_one
from agentcli.catalog.rendering import is_plain
from agentcli.core.agents import InputSpec, InputType, is_of_type
from agentcli.core.canonical import Json
from agentcli.definitions.nearest import listed, nearest, suggestion
from agentcli.definitions.validation import shown
from agentcli.errors import UsageError

_EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_SPELLED = {
    "integer": re.compile(r"[-+]?[0-9]+"),
    "number": re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?"),
    "boolean": re.compile("true|false|yes|no|on|off|1|0", re.IGNORECASE),
    "null": re.compile("(null|None)?"),
}
"""Texts that a call reads as what a tool asks for."""


class Misfit(NamedTuple):
    """What is wrong with the values given: the kind that ends the error's code, its texts, and under which key."""

    kind: str
    what: str
    why: str
    fix: str
    key: str | None = None


def is_literal(value: Json) -> bool:
    """Whether a value is written out, without any expression inside."""
    if isinstance(value, str):
        return is_plain(value)
    if isinstance(value, dict):
        return all(map(is_literal, value.values()))
    return all(map(is_literal, value)) if isinstance(value, list) else True


def input_misfits(specs: Mapping[str, InputSpec], given: Mapping[str, Json], whose: str) -> list[Misfit]:
    """What is wrong with the inputs given to an agent or a workflow: `whose` names it, as "agent `a`"."""
    unknown = [name for name in given if name not in specs]
    found = [_unknown("UNKNOWN-INPUT", "input", name, specs, whose) for name in unknown]
    meant = _meant(unknown, specs)
    for name, spec in specs.items():
        if name not in given:
            if spec.must_be_given and name not in meant:
                found.append(_missing("MISSING-INPUT", "input", name, whose, "inputs"))
        elif is_literal(given[name]):
            try:
                convert_one(name, spec, given[name])
            except UsageError as error:
                fix = f"Write a value of type {spec.type}, or an expression that gives one."
                found.append(Misfit("INPUT-TYPE", f"The input `{name}` does not fit.", error.info.why, fix, name))
    return found


def argument_misfits(schema: Mapping[str, Any], given: Mapping[str, Json], tool: str) -> list[Misfit]:
    """What is wrong with the arguments of a tool's call, by the JSON Schema of the tool."""
    properties, whose = schema.get("properties", {}), f"tool `{tool}`"
    open_ended = schema.get("additionalProperties", True) is not False
    unknown = [] if open_ended else [name for name in given if name not in properties]
    found = [_unknown("UNKNOWN-ARGUMENT", "argument", name, properties, whose) for name in unknown]
    missing = [
        name for name in schema.get("required", ()) if name not in given and name not in _meant(unknown, properties)
    ]
    found += [_missing("MISSING-ARGUMENT", "argument", name, whose, "with") for name in missing]
    for name, value in given.items():
        why = _why_not(value, properties.get(name, {})) if is_literal(value) else None
        if why is not None:
            fix = f"See `agentcli tools show {tool}`."
            found.append(Misfit("ARGUMENT-TYPE", f"The argument `{name}` does not fit.", why, fix, name))
    return found


def _why_not(value: Json, schema: Mapping[str, Any]) -> str | None:
    """Why a call would refuse a value, by the type and the choices of its schema; None where it would not."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_fits(value, kind) for kind in types) and not (value is None and "default" in schema):
        return f"Expected {' or '.join(_EXPECTED[kind] for kind in types)}, found {shown(value)}."
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        return f"Expected one of {', '.join(map(str, choices))}, found {shown(value)}."
    return None


def _fits(value: Json, kind: str) -> bool:
    if isinstance(value, str) and kind in _SPELLED:
        return _SPELLED[kind].fullmatch(value.strip()) is not None
    if kind == "null":
        return value is None
    return is_of_type(value, cast("InputType", kind))


def _meant(unknown: Iterable[str], known: Mapping[str, Any]) -> set[str | None]:
    """What the unknown names were probably meant to be: that is not missing, too."""
    return {nearest(name, known) for name in unknown}


def _unknown(kind: str, word: str, name: str, known: Mapping[str, Any], whose: str) -> Misfit:
    why = f"It has: {listed(known, 20)}." if known else "It has none."
    what, fix = f"The {whose} has no {word} `{name}`.", suggestion(name, known, "Remove it.")
    return Misfit(kind, what, why, fix, name)


def _missing(kind: str, word: str, name: str, whose: str, under: str) -> Misfit:
    what = f"The {word} `{name}` of the {whose} is missing."
    return Misfit(kind, what, "It has no default.", f"Write it under `{under}:`.")
