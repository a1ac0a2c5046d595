"""Filling in: the short way for names, one reading for each text, and nothing done with what is not used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.catalog.rendering import evaluate, render
from agentcli.catalog.template_language import Language
from agentcli.catalog.template_values import filled, looked_up
from tests.unit.catalog.test_rendering import INPUTS

LANGUAGE = Language()


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.topic }} and {{ steps.draft.output }}",
        "{{{ inputs.topic }}",
        "{{ inputs.topic }}}",
        "{ {{ inputs.topic }} }",
        "{{inputs.n}}{{\n inputs.nothing\n}}",
        "{{- inputs.topic -}} x",
        "{{ inputs.topic }}\r\nx",
        "{{ inputs.deep }}",
        "{{ inputs.many }}",
        "{{ inputs.topic.upper }}",
        "{{ inputs.items }}",
        "{{ true }}{{ none }}",
        "{{ now }}",
        "{{ inputs }}",
        "{{ inputs.absent }}",
        "{{ inputs.big }}{{ inputs.big }}",
        "{# {{ inputs.topic }} #}",
        "{% raw %}{{ inputs.topic }}{% endraw %}",
    ],
)
def test_names_alone_are_filled_in_as_the_language_fills_them_in(text: str) -> None:
    """The way without Jinja2 gives what the way with it gives, or leaves the text to it."""
    data = {"steps": {"draft": {"output": "a\x1b[31mb"}}}
    values = {**data, "inputs": INPUTS, "now": str}
    quick, value = filled(text, values), looked_up(text, values)
    if quick is not None:
        assert quick == Language().render(text, values)
    if value is not None:
        assert value[0] == Language().evaluate(text, values)
    if "absent" in text or "now" in text:
        assert (quick, value) == (None, None)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_value_is_filled_in_as_the_language_fills_it_in(value: Any) -> None:
    values = {"inputs": {"x": value}}
    assert filled("[{{ inputs.x }}]", values) == LANGUAGE.render("[{{ inputs.x }}]", values)
    assert looked_up(" {{ inputs.x }}\n", values) == (LANGUAGE.evaluate(" {{ inputs.x }}\n", values),)


def test_control_characters_are_removed_wherever_a_text_comes_from() -> None:
    inputs = {"x": "a\x1bb", "deep": {"k\x00": ["\x7f"]}}
    for text in ("{{ inputs.x }}", "{{ inputs.x | upper | lower }}", "{{ 'a' ~ inputs.x[1:] }}", "{{ 'a\x1bb' }}"):
        assert render(text, inputs=inputs) == "ab"
        assert evaluate(text, inputs=inputs) == "ab"
    assert evaluate("{{ inputs.deep }}", inputs=inputs) == {"k": [""]}
    assert evaluate("{{ inputs.deep.items() | list }}", inputs=inputs) == [["k", [""]]]
    assert render("{{ inputs.deep | tojson }}", inputs=inputs) == '{"k": [""]}'


def test_a_text_is_compiled_once_however_often_it_is_filled_in() -> None:
    language = Language()
    for number in range(50):
        assert language.render("{{ inputs.n + 1 }}", {"inputs": {"n": number}}) == str(number + 1)
        assert language.evaluate("{{ inputs.n + 1 }}", {"inputs": {"n": number}}) == number + 1
    assert language._as_text.cache_info().misses == 1
    assert language._as_value.cache_info().misses == 1


def test_each_rendering_has_a_budget_of_its_own() -> None:
    text = "{% for x in inputs.many %}{{ x }}{% endfor %}"
    many = ["a"] * 6_000
    for _ in range(3):
        assert render(text, inputs={"many": many}) == "a" * 6_000


def test_what_is_not_used_is_not_gone_over() -> None:
    class Untouched(dict[str, Any]):
        def __iter__(self) -> Any:
            raise AssertionError("it was gone over")

        items = __iter__

    data = {"steps": Untouched({"draft": Untouched({"output": "x", "big": Untouched()})})}
    assert render("{{ steps.draft.output }}", inputs={}, data=data) == "x"
    assert render("{{ steps.draft.output | upper }}", inputs={}, data=data) == "X"
