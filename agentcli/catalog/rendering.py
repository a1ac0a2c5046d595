"""Templating of prompts: Jinja2's sandbox, with inputs that are data and bounds on what a template may cost.

Inputs never become template source. A template may test, loop over its data and filter; it cannot define macros, load
other templates, call methods that build large texts, or draw random numbers. Control characters are removed from what
is filled in (they can rewrite a terminal, and mean nothing to a model); all other text goes in as it is, since a prompt
is no HTML page and an agent may well be asked about `<script>`.

A text is read once, however often it is filled in, and what a rendering costs does not depend on data it does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from agentcli.catalog.template_faults import Fault, Names, Uses, faults_of
from agentcli.catalog.template_values import filled, looked_up, names_only, sanitised
from agentcli.core.canonical import Json
from agentcli.errors import DefinitionError

if TYPE_CHECKING:
    from agentcli.catalog.template_language import Language

__all__ = ["Names", "check", "evaluate", "faults", "is_plain", "render", "resolve_schema", "sanitised"]


def is_plain(text: str) -> bool:
    """Whether a text has nothing to fill in. Most instructions do not, and then Jinja2 is never imported."""
    return not ("{{" in text or "{%" in text or "{#" in text)


def render(
    text: str,
    *,
    inputs: Mapping[str, Json],
    now: Callable[[], str] | None = None,
    data: Mapping[str, Json] | None = None,
) -> str:
    """The text with its expressions filled in.

    `inputs` are reached as `inputs.name`, each entry of `data` (such as `steps`, `item`) by its own name, `now()` as
    the function given here. Raises DefinitionError E-TEMPLATE-RENDER with the cause: an undefined name, a bound passed.
    """
    if is_plain(text):
        return text
    values = _values(inputs, now, data)
    quick = filled(text, values)
    return quick if quick is not None else _language().render(text, values)


def evaluate(
    text: str,
    *,
    inputs: Mapping[str, Json],
    now: Callable[[], str] | None = None,
    data: Mapping[str, Json] | None = None,
) -> Json:
    """Like `render`, but a text that is one `{{ expression }}` gives that expression's value in its own type."""
    if is_plain(text):
        return text
    values = _values(inputs, now, data)
    found = looked_up(text, values)
    return found[0] if found is not None else _language().evaluate(text, values)


def resolve_schema(schema: dict[str, Json] | str, *, inputs: Mapping[str, Json]) -> dict[str, Json]:
    """The JSON Schema that `output.schema` stands for. Raises DefinitionError where its expression gives no schema."""
    value = evaluate(schema, inputs=inputs) if isinstance(schema, str) else schema
    if isinstance(value, dict):
        from agentcli.catalog.json_schema import fault_of

        fault = fault_of(value)
        if fault is None:
            return value
        raise _no_schema(fault)
    from agentcli.definitions.validation import shown

    raise _no_schema(f"Expected a JSON Schema, found {shown(value)}.")


def _no_schema(why: str) -> DefinitionError:
    fix = 'Give the input a JSON Schema object, such as {"type": "object"}.'
    return DefinitionError("E-TEMPLATE-SCHEMA", "`output.schema` gives no valid JSON Schema.", why=why, fix=fix)


def faults(text: str, names: Names) -> list[Fault]:
    """What is wrong with a template before it has any data; none for a text without expressions."""
    return [] if is_plain(text) else faults_of(_uses(text), names)


def _uses(text: str) -> Uses:
    form = names_only(text)
    if form is not None:
        return Uses((), tuple((name.words, name.line) for name in form.names))
    return _language().uses(text)


def check(text: str, names: Names) -> None:
    """Raises DefinitionError for the first fault of a template."""
    for fault in faults(text, names):
        raise DefinitionError(f"E-TEMPLATE-{fault.kind}", fault.what, why=fault.why, fix=fault.fix, line=fault.line)


def _values(
    inputs: Mapping[str, Json], now: Callable[[], str] | None, data: Mapping[str, Json] | None
) -> dict[str, Any]:
    values: dict[str, Any] = {**(data or {}), "inputs": inputs}
    if now is not None:
        values["now"] = now
    return values


@cache
def _language() -> Language:
    from agentcli.catalog.template_language import Language

    return Language()
