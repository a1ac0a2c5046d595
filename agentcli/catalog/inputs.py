"""Inputs as they are typed, converted to what the template declares."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from agentcli.core.agents import InputSpec, is_of_type
from agentcli.core.canonical import Json
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.validation import shown
from agentcli.errors import UsageError, sentence

MAX_INPUT = 1_000_000
"""Characters of one input."""

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a JSON list",
    "object": "a JSON object",
}


def convert(specs: Mapping[str, InputSpec], given: Mapping[str, Json]) -> dict[str, Json]:
    """Every declared input with its value, in the order of the declaration.

    A text is converted to the declared type (`-i k=v`, and `-i k=@file` with the file's text); any other value (from
    `-i k:=JSON`) must be of that type. An input that is neither given nor required has its default, or null.
    Raises UsageError E-INPUT-UNKNOWN, E-INPUT-MISSING, E-INPUT-TYPE, E-INPUT-VALUE or E-INPUT-SIZE.
    """
    for name in given:
        if name not in specs:
            raise unknown_input(name, specs)
    values: dict[str, Json] = {}
    missing = [name for name, spec in specs.items() if spec.must_be_given and name not in given]
    if missing:
        raise _missing(missing[0], specs[missing[0]], missing[1:])
    for name, spec in specs.items():
        values[name] = convert_one(name, spec, given[name]) if name in given else spec.default
    return values


def convert_one(name: str, spec: InputSpec, value: Json) -> Json:
    """One input's value, as its declaration has it. Raises UsageError E-INPUT-TYPE, E-INPUT-VALUE or E-INPUT-SIZE."""
    if isinstance(value, str):
        if len(value) > MAX_INPUT:
            why = f"It has {len(value)} characters; at most {MAX_INPUT} are taken."
            raise UsageError("E-INPUT-SIZE", f"The input `{name}` is too large.", why=why, fix="Attach it with -f.")
        value = _from_text(name, spec, value)
    if not is_of_type(value, spec.type):
        raise _wrong_type(name, spec, value)
    if spec.enum is not None and value not in spec.enum:
        choices = [str(choice) for choice in spec.enum]
        why = f"Expected one of {', '.join(choices)}, found {shown(value)}."
        fix = suggestion(str(value), choices, f"Write `-i {name}={choices[0]}`.")
        raise UsageError("E-INPUT-VALUE", f"The input `{name}` has no valid value.", why=why, fix=fix)
    return value


def _from_text(name: str, spec: InputSpec, text: str) -> Json:
    stripped = text.strip()
    if spec.type == "string":
        return text
    if spec.type == "boolean" and stripped.lower() in _BOOLEANS:
        return _BOOLEANS[stripped.lower()]
    if spec.type == "integer" and re.fullmatch(r"[-+]?[0-9]{1,4000}", stripped):
        return int(stripped)
    if spec.type in ("number", "array", "object"):
        try:
            return json.loads(stripped, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError):
            pass
    raise _wrong_type(name, spec, text)


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _wrong_type(name: str, spec: InputSpec, value: Json) -> UsageError:
    why = f"Expected {_EXPECTED[spec.type]}, found {shown(value)}."
    examples = {"integer": "=3", "number": "=0.5", "boolean": "=true", "array": ':=\'["a", "b"]\'', "string": "=text"}
    fix = f"Write `-i {name}{examples.get(spec.type, ':={}')}`."
    return UsageError("E-INPUT-TYPE", f"The input `{name}` has the wrong type.", why=why, fix=fix)


def _missing(name: str, spec: InputSpec, others: list[str]) -> UsageError:
    why = sentence(spec.description) or f"It is required, as {_EXPECTED[spec.type]}."
    more = f" Also missing: {', '.join(others)}." if others else ""
    fix = f"Write `-i {name}=…`."
    return UsageError("E-INPUT-MISSING", f"The input `{name}` is missing.", why=f"{why}{more}", fix=fix)


def unknown_input(name: str, specs: Mapping[str, InputSpec]) -> UsageError:
    """The error for an input that is not declared."""
    why = f"There are: {listed(specs, 20)}." if specs else "The template declares no inputs."
    fix = suggestion(name, specs, "Leave it out.")
    return UsageError("E-INPUT-UNKNOWN", f"There is no input `{name}`.", why=why, fix=fix)
