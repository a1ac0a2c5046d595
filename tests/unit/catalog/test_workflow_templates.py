"""Workflow templates: the step graph, and what each step may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.errors import DefinitionError

KNOWN = Known(tools=frozenset({"fetch_url"}), providers=frozenset({"openai"}))


@pytest.fixture
def roots(tmp_path: Path) -> list[Root]:
    (tmp_path / "agents").mkdir()
    (tmp_path / "workflows").mkdir()
    return [Root(tmp_path, "project")]


@pytest.fixture
def catalog(roots: list[Root]) -> Catalog:
    return Catalog(roots, KNOWN)


def write(root: Root, name: str, text: str, folder: str = "workflows") -> None:
    (root.path / folder / name).write_text(text, encoding="utf-8")


FLOW = "name: w\nsteps:\n"


def workflow_problem(roots: list[Root], catalog: Catalog, text: str) -> DefinitionError:
    write(roots[0], "w.yaml", text)
    with pytest.raises(DefinitionError) as caught:
        catalog.workflow("w")
    return caught.value


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what"),
    [
        (FLOW + "  - {id: a, prompt: x}\n  - {id: a, prompt: y}", "DUPLICATE-STEP", 4, 10, "called `a`"),
        (FLOW + "  - {id: a, prompt: x, needs: [bb]}", "UNKNOWN-STEP", 3, 32, "no step `bb`"),
        (FLOW + "  - {id: a, prompt: x, needs: [b]}\n  - {id: b, prompt: x}", "CYCLE", 3, 31, "waits for itself"),
        (FLOW + "  - {prompt: x, agent: nobody}", "UNKNOWN-AGENT", 3, 24, "no agent `nobody`"),
        (FLOW + "  - {tool: fetch_ur}", "UNKNOWN-TOOL", 3, 12, "no tool `fetch_ur`"),
        (FLOW + "  - {tool: fetch_url, with: {url: [{a: '{{ itm }}'}]}}", "UNDEFINED", 3, 44, "`itm`"),
        (FLOW + "  - '{{ steps.later.output }}'\n  - {id: later, prompt: x}", "UNDEFINED", 3, 15, "`steps.later`"),
        (FLOW + "  - {prompt: '{{ item }}'}", "UNDEFINED", 3, 18, "`item`"),
        (FLOW + "  - {prompt: x, foreach: '{{ inputs.l }}'}", "UNDEFINED", 3, 37, "`inputs.l`"),
        (FLOW + "  - {prompt: x, model: zz:y}", "UNKNOWN-PROVIDER", 3, 24, "`zz`"),
        (FLOW + "  - Fix issue #12", "QUOTE", 3, 5, "cut short"),
        (FLOW + "  - Summarise: the file", "QUOTE", 3, 5, "`steps[0]` is not text"),
        (FLOW + "  - promt: hello", "UNKNOWN-KEY", 3, 5, "`promt`"),
        (FLOW + "  - {}", "VALUE", 3, 5, "`steps[0]`"),
        (FLOW + "  - 42", "QUOTE", 3, 5, "`steps[0]`"),
        (FLOW + "  - x\noutput: '{{ steps.nope }}'", "UNDEFINED", 4, 19, "`steps.nope`"),
        ("name: w\nsteps: []\n", "VALUE", 2, 8, "`steps`"),
    ],
)
def test_every_problem_of_a_workflow_has_its_place(
    roots: list[Root], catalog: Catalog, text: str, kind: str, line: int, column: int, what: str
) -> None:
    error = workflow_problem(roots, catalog, text)
    places = [(info.code, info.line, info.column) for info in (error.info, *error.others)]
    assert (f"E-TEMPLATE-{kind}", line, column) in places
    assert any(what in info.what for info in (error.info, *error.others))


def test_a_good_workflow_is_listed(roots: list[Root], catalog: Catalog) -> None:
    write(roots[0], "writer.yaml", "name: writer\ninstructions: Write.\n", "agents")
    text = """\
name: w
inputs: {since: {type: string, required: true}}
agent: writer
steps:
  - List what changed since {{ inputs.since }}.          # a bare string is a prompt
  - id: draft
    prompt: Write from {{ steps.step_1.output }}
    needs: [step_1]
    retry: {attempts: 3, delay: 1}
    timeout: 60
  - id: check_links
    foreach: "{{ steps.draft.output }}"
    tool: fetch_url
    with: {url: "{{ item }}"}
    when: "{{ inputs.since != 'never' }}"
output: "{{ steps.draft.output }}"
"""
    write(roots[0], "w.yaml", text)
    listing = catalog.workflow_listing()
    assert [item.name for item in listing.valid] == ["w"]
    assert catalog.workflow("w").template.step_ids() == ["step_1", "draft", "check_links"]
