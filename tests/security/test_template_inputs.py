"""What is filled into a template is data: it is never read as a template, whatever it says and wherever it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.catalog.rendering import evaluate, render, sanitised
from agentcli.errors import DefinitionError
from agentcli.workbench.export_run import ExportRequest, export_run
from agentcli.workbench.wiring import Workbench
from tests.unit.workbench.conftest import AGENT, Project, project

__all__ = ["project"]

HOSTILE = (
    "{{ 7 * 7 }}",
    "{{ inputs }}",
    "{% for a in range(10**9) %}x{% endfor %}",
    "{% set x = 1 %}{{ x }}",
    "{# a comment #}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ inputs.__class__ }}",
    "{{ x | attr('__class__') }}",
    "{% raw %}",
    "{% endfor %}",
    "{% endraw %}",
    "}}{{ 7 * 7 }}{{",
    "%}{{ 7 * 7 }}{%",
    "#}{{ 7 * 7 }}{#",
    "' + 7 * 7 + '",
    "{{ self }}",
    "\\u007b\\u007b 7 * 7 \\u007d\\u007d",
    "&#123;&#123; 7 * 7 &#125;&#125;",
    "<script>alert(1)</script>",
    "<a href='javascript:alert(1)' onclick='x()'>y</a>",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
anything = st.builds(lambda a, b, c: a + b + c, texts, st.sampled_from(HOSTILE), texts)
clean = anything.map(sanitised)

PLACES = (
    ("[{{ inputs.x }}]", "[{x}]"),
    ("{{ inputs['x'] }}{{ inputs.x }}", "{x}{x}"),
    ("{% if inputs.x %}{{ inputs.x }}{% endif %}", "{x}"),
    ("{% for one in inputs.many %}{{ one }};{% endfor %}", "{x};{x};"),
    ("{{ inputs.deep.a[0] }}", "{x}"),
    ("{{ 'a' ~ inputs.x ~ 'b' }}", "a{x}b"),
    ("{{ inputs.x | default('d', true) | string }}", "{x}"),
    ("{% set y = inputs.x %}{{ y }}", "{x}"),
    ("{{ steps.draft.output }}", "{x}"),
)


@pytest.mark.parametrize(("template", "expected"), PLACES)
@given(x=clean)
def test_any_text_comes_out_as_it_went_in(template: str, expected: str, x: str) -> None:
    inputs = {"x": x, "many": [x, x], "deep": {"a": [x]}}
    rendered = render(template, inputs=inputs, data={"steps": {"draft": {"output": x}}})
    assert rendered == expected.replace("{x}", x)


@given(clean)
def test_a_value_that_is_evaluated_stays_a_value(x: str) -> None:
    assert evaluate("{{ inputs.x }}", inputs={"x": x}) == x
    assert evaluate("{{ inputs.x }}", inputs={"x": [x, {x: x}]}) == [x, {x: x}]
    assert json.loads(render("{{ inputs.x | tojson }}", inputs={"x": {x: [x]}})) == {x: [x]}


@given(st.dictionaries(clean, clean, max_size=3))
def test_names_of_a_value_are_data_too(value: dict[str, str]) -> None:
    told = render("{% for name, held in inputs.x.items() %}{{ name }}={{ held }};{% endfor %}", inputs={"x": value})
    assert told == "".join(f"{name}={held};" for name, held in value.items())


@given(anything)
def test_only_control_characters_are_taken_out(x: str) -> None:
    told = render("{{ inputs.x }}", inputs={"x": x})
    assert told == "".join(char for char in x if char in "\t\n\r" or not (ord(char) < 32 or 127 <= ord(char) < 160))


@pytest.mark.parametrize("name", ["__class__", "__init__", "__globals__", "_x", "mro", "func_globals", "gi_frame"])
@pytest.mark.parametrize("holder", ["inputs", "inputs.x", "inputs.many", "inputs.deep"])
def test_no_value_opens_a_way_to_python(holder: str, name: str) -> None:
    inputs = {"x": "a", "many": [1], "deep": {"a": 1}}
    for template in (f"{{{{ {holder}.{name} }}}}", f"{{{{ {holder}['{name}'] }}}}"):
        with pytest.raises(DefinitionError):
            render(template, inputs=inputs)


def plan_of(bench: Workbench, run: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(bench.journal.blob(bench.journal.find(run).start.manifest))
    return plan


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_an_input_is_filled_in_once_and_not_looked_at_again(project: Project, hostile: str) -> None:
    about = AGENT.replace("Be brief.", "'About {{ inputs.topic }} and {{ inputs.other }}.'")
    project.agent("inputs: {topic: {type: string}, other: {type: string}}\n", about)
    outcome = await project.run(f"Look at {hostile}", inputs={"topic": "{{ inputs.other }}", "other": hostile})
    assert outcome.status == "completed"
    with project.bench() as bench:
        plan = plan_of(bench, outcome.run)
        page = export_run(bench, ExportRequest(outcome.run, "html")).files[0].data.decode()
    assert plan["instructions"] == f"About {{{{ inputs.other }}}} and {hostile}."
    assert plan["message"] == f"Look at {hostile}"
    assert "<script>alert" not in page
    assert "<a href='javascript:" not in page
