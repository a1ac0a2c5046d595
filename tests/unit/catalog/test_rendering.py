"""Templating: what is filled in, what is refused, and what it may cost."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.catalog.rendering import check, evaluate, faults, is_plain, render, resolve_schema, sanitised
from agentcli.errors import DefinitionError

INPUTS: dict[str, Any] = {
    "topic": "birds",
    "n": 3,
    "many": [1, 2, 3],
    "items": "mine",
    "deep": {"a": {"b": 1}},
    "big": "x" * 900_000,
    "nothing": None,
}
NAMES = {"inputs": frozenset(INPUTS), "steps": frozenset({"draft"}), "now": None, "item": None}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("no expression, {not} one\n", "no expression, {not} one\n"),
        ("About {{ inputs.topic }}.\n", "About birds.\n"),
        ("{{ inputs.n + 1 }}", "4"),
        ("{{ inputs.n * 2 }}{{ 'ab' * 2 }}", "6abab"),
        ("{{ 2 ** 10 }} {{ 7 % 4 }} {{ 7 // 2 }}", "1024 3 3"),
        ("{{ inputs.items }}", "mine"),
        ("{{ inputs.deep.a.b }}", "1"),
        ("{{ inputs['topic'] }}", "birds"),
        ("{{ inputs.nothing }}", ""),
        ("{{ 'a' ~ inputs.n ~ inputs.nothing }}", "a3"),
        ("{{ inputs.topic.upper() }}", "BIRDS"),
        ("{% for x in inputs.many %}{{ loop.index }}:{{ x }} {% endfor %}", "1:1 2:2 3:3 "),
        ("{% if inputs.n > 2 %}yes{% endif %}", "yes"),
        ("{% set a = 1 %}{% with b = 2 %}{{ a + b }}{% endwith %}", "3"),
        ("{% filter upper %}x{% endfilter %}", "X"),
        ("{{ inputs.many | map('string') | join(', ') }}", "1, 2, 3"),
        ("{{ inputs.many | sum }} {{ 2.55 | round(1) }}", "6 2.5"),
        ("{{ inputs.deep | tojson }}", '{"a": {"b": 1}}'),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ("{{ 'aXa' | replace('X', '-') }}", "a-a"),
        ("{{ inputs.missing | default('d') }}", "d"),
        ("{{ now() }}", "NOW"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ],
)
def test_expressions_are_filled_in(text: str, result: str) -> None:
    assert render(text, inputs=INPUTS, now=lambda: "NOW") == result


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.many }}", [1, 2, 3]),
        (" {{ inputs.n }}\n", 3),
        ("{{ inputs.deep }}", {"a": {"b": 1}}),
        ("{{ inputs.nothing }}", None),
        ("{{ inputs.n > 2 }}", True),
        ("{{ inputs.many | select('odd') }}", [1, 3]),
        ("n={{ inputs.n }}", "n=3"),
        ("{{ inputs.n }}{{ inputs.n }}", "33"),
        ("plain", "plain"),
        ("{% if true %}x{% endif %}", "x"),
    ],
)
def test_a_lone_expression_keeps_its_type(text: str, value: object) -> None:
    assert evaluate(text, inputs=INPUTS) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ inputs.absent }}", "absent"),
        ("{{ nobody }}", "nobody"),
        ("{{ 'a' * 10000000 }}", "10000000 parts"),
        ("{{ 10000000 * [1] }}", "10000000 parts"),
        ("{{ inputs.big ~ inputs.big }}", "1800000 parts"),
        ("{{ inputs.big + inputs.big }}", "1800000 parts"),
        ("{{ inputs.big | replace('x', 'xxx') }}", "3600000 parts"),
        ("{{ inputs.many | join(inputs.big) }}", "parts"),
        ("{{ 'a' | indent(9999999) }}", "parts"),
        ("{{ inputs.big }}{{ inputs.big }}", "longer than"),
        ("{{ 2 ** 99999 }}", "too large"),
        ("{{ (2 ** 4000) * (2 ** 4000) }}", "too large"),
        ("{{ '%09999999d' % 1 }}", "formatted with"),
        ("{{ '{:>9999999}'.format(1) }}", "unsafe"),
        ("{{ 'x'.ljust(9999999) }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ inputs.many.append(4) }}", "unsafe"),
        ("{% for a in inputs.big %}{% endfor %}", "loop iterations"),
        ("{% for a in inputs.many %}{% for b in inputs.big %}{% endfor %}{% endfor %}", "loop iterations"),
        ("{% for a in inputs.many recursive %}{{ loop([1]) }}{% endfor %}", "recursive"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macro"),
        ("{% include 'x' %}", "include"),
        ("{% import 'x' as y %}", "import"),
        ("{% extends 'x' %}", "extends"),
        ("{{ range(9) }}", "range"),
        ("{{ inputs.many | random }}", "random"),
        ("{{ lipsum() }}", "lipsum"),
        ("{{ cycler(1) }}", "cycler"),
        ("{{ 1 / 0 }}", "zero"),
        ("{{ inputs.n() }}", "callable"),
        ("{{ x", "Unexpected end"),
        ("{{ " + "(" * 3000, "recursion"),
    ],
)
def test_what_is_unsafe_unbounded_or_undefined_is_refused(text: str, why: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        render(text, inputs=INPUTS)
    assert caught.value.code == "E-TEMPLATE-RENDER"
    assert why in caught.value.info.why


def test_an_expression_that_gives_no_value_is_refused() -> None:
    for text in ("{{ self }}", "{{ inputs.absent }}"):
        with pytest.raises(DefinitionError):
            evaluate(text, inputs={})


@given(st.text(max_size=60))
def test_inputs_are_data_and_never_template_source(text: str) -> None:
    hostile = "{{ 7 * 7 }}{% if true %}<script>" + text
    assert render("[{{ inputs.x }}]", inputs={"x": hostile}) == f"[{sanitised(hostile)}]"


def test_control_characters_are_removed_and_all_else_stays() -> None:
    value = {"a\x00": ["x\x1b[31my\x7f\x9b", "tab\tline\nname <b onclick='x'> javascript:", 3, None]}
    assert sanitised(value) == {"a": ["x[31my", "tab\tline\nname <b onclick='x'> javascript:", 3, None]}


@pytest.mark.parametrize(
    ("text", "kind", "what", "fix", "line"),
    [
        ("{{ inputs.topc }}", "UNDEFINED", "`inputs.topc` is not defined", "`inputs.topic`", 1),
        ("{{ inputs['topc'] }}", "UNDEFINED", "`inputs.topc` is not defined", "`inputs.topic`", 1),
        ("a\n{{ inputs.zzzz }}", "UNDEFINED", "`inputs.zzzz`", "`zzzz: {type: string}`", 2),
        ("{{ topic }}", "UNDEFINED", "`topic` is not defined", "Write `inputs.topic`.", 1),
        ("{{ input.topic }}", "UNDEFINED", "`input` is not defined", "`inputs`", 1),
        ("{{ qqqqq }}", "UNDEFINED", "`qqqqq` is not defined", "Use one of: ", 1),
        ("{{ steps.draf.output }}", "UNDEFINED", "`steps.draf`", "`steps.draft`", 1),
        ("{{ steps.qqq }}", "UNDEFINED", "`steps.qqq`", "Use one of them", 1),
        ("{{ inputs.n | uper }}", "UNDEFINED", "no filter `uper`", "`upper`", 1),
        ("{{ inputs.n | zzzzz }}", "UNDEFINED", "no filter `zzzzz`", "Leave it out", 1),
        ("{% macro f() %}{% endmacro %}", "VALUE", "`macro`", "without it", 1),
        ("\n{{ x", "TEMPLATING", "cannot be read", "Close every", 2),
        ("{{ inputs.n is oddd }}", "UNDEFINED", "no test `oddd`", "`odd`", 1),
        ("{% for x in item %}{{ inputs.x }}{% endfor %}", "UNDEFINED", "`inputs.x`", "`x: {type: string}`", 1),
        ("{% set inputs = item %}{{ inputs.x }}{{ y }}", "UNDEFINED", "`y` is not defined", "Use one of: ", 1),
        ("{{ inputs.deep.a.zzz ~ inputs.zz.a.b }}", "UNDEFINED", "`inputs.zz`", "`zz: {type: string}`", 1),
        ("{{ inputs.topc }} {{ inputs.topic }}", "UNDEFINED", "`inputs.topc`", "`inputs.topic`", 1),
        ("\n{{ inputs.topic }}\n{{\n inputs.topc }}", "UNDEFINED", "`inputs.topc`", "`inputs.topic`", 3),
        ("{{ item.name }}{{ now }}{{ index }}", "UNDEFINED", "`index` is not defined", "Use one of: ", 1),
        ("{{ " + "(" * 3000, "TEMPLATING", "nested too deeply", "simpler", 1),
    ],
)
def test_faults_are_found_before_there_is_any_data(text: str, kind: str, what: str, fix: str, line: int) -> None:
    fault = faults(text, NAMES)[0]
    assert (fault.kind, fault.line) == (kind, line)
    assert what in fault.what
    assert fix.removesuffix(" it") in fault.fix
    with pytest.raises(DefinitionError) as caught:
        check(text, NAMES)
    assert caught.value.code == f"E-TEMPLATE-{kind}"


def test_good_templates_have_no_faults() -> None:
    text = "{{ inputs.n }}{{ steps.draft.output }}{{ steps[0] }}{{ now() }}{% for x in item %}{{ x }}{% endfor %}"
    check(text, NAMES)
    check("plain", {})


@given(st.text("{}%# inputs.x|'\"()[]\n", max_size=40))
def test_no_template_breaks_the_renderer(text: str) -> None:
    faults(text, NAMES)
    try:
        assert isinstance(render(text, inputs={"x": [1, 2]}), str)
    except DefinitionError as error:
        caught = error
    else:
        return
    assert caught.code == "E-TEMPLATE-RENDER"


def test_a_schema_may_come_from_an_input() -> None:
    schema = {"type": "object"}
    assert resolve_schema(schema, inputs={}) == schema
    assert resolve_schema("{{ inputs.schema }}", inputs={"schema": schema}) == schema


@pytest.mark.parametrize(
    "schema", ["text", {"type": "objct"}, {"$ref": "https://example.org/x"}, {"a": [{"$ref": "f"}]}]
)
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(DefinitionError) as caught:
        resolve_schema("{{ inputs.schema }}", inputs={"schema": schema})
    assert caught.value.code == "E-TEMPLATE-SCHEMA"


def test_a_plain_text_needs_no_template_engine() -> None:
    assert is_plain("costs 5 {dollars}")
    code = (
        "import sys; from agentcli.catalog.rendering import render, faults; "
        "assert render('x', inputs={}) == 'x' and faults('x', {}) == []; assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://a.example/x, and HTTP://b.example.", ["https://a.example/x", "HTTP://b.example"]),
        ("[a](https://a.example/p_(q)) <https://b.example> `https://c.example`", None),
        ("https://a.example https://a.example/ https://a.example", ["https://a.example", "https://a.example/"]),
        ("(see https://a.example/(x))).", ["https://a.example/(x)"]),
        ("ftp://a.example http:// https://.", []),
        (["x https://a.example", "https://b.example"], ["https://a.example", "https://b.example"]),
        (None, []),
    ],
)
def test_the_addresses_of_a_text_are_found(text: Any, links: list[str] | None) -> None:
    expected = ["https://a.example/p_(q)", "https://b.example", "https://c.example"] if links is None else links
    assert evaluate("{{ inputs.text | links }}", inputs={"text": text}) == expected
