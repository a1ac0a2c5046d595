"""A workflow's steps in order, and as a picture, also where there are many."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from agentcli.core.workflows import WorkflowTemplate
from agentcli.workbench.workflow_views.labels import WIDTH, short
from agentcli.workbench.workflow_views.mermaid import mermaid
from agentcli.workbench.workflow_views.steps import StepView, steps_of
from agentcli.workbench.workflow_views.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def views(*steps: Any, **more: Any) -> tuple[StepView, ...]:
    return steps_of(WorkflowTemplate.model_validate({"name": "w", "steps": list(steps), **more}))


@pytest.mark.parametrize(
    ("step", "around"),
    [
        ({}, []),
        ({"when": False}, ["when never"]),
        ({"when": "{{ 1 }}"}, ["when {{ 1 }}"]),
        ({"foreach": [1, "a"]}, ['for each of [1, "a"]']),
        ({"foreach": list(range(9))}, ["for each of [0, 1, 2, 3, 4, … 9 in all]"]),
        ({"foreach": {"range": 3}}, ["for each of 1 to 3"]),
        ({"foreach": {"file": "r.csv"}}, ["for each of the rows of r.csv"]),
        ({"foreach": "{{ 1 }}"}, ["for each of {{ 1 }}"]),
        ({"retry": {"attempts": 2}}, ["up to 2 tries"]),
        ({"until": "{{ 1 }}"}, ["until {{ 1 }}, at most 5 rounds, then it fails"]),
        ({"on_error": "stop"}, ["a failure stops the workflow"]),
    ],
)
def test_what_surrounds_a_step_is_said_in_words(step: dict[str, Any], around: list[str]) -> None:
    assert list(views({"prompt": "x", **step})[0].around) == around


def test_steps_come_in_the_order_in_which_they_may_run() -> None:
    found = views({"id": "a", "prompt": "x", "needs": ["b"]}, {"id": "b", "prompt": "y", "needs": []}, agent="writer")
    assert [(view.id, view.layer, view.action.subject) for view in found] == [("b", 0, "writer"), ("a", 1, "writer")]


def test_a_label_is_one_short_line() -> None:
    assert short("a\n  b\t c") == "a b c"
    assert len(short("x" * 100)) == WIDTH


def corners(picture: str) -> list[tuple[float, float]]:
    boxes = list(ElementTree.fromstring(picture).iter(f"{SVG}g"))
    rects = [box.find(f"{SVG}rect") for box in boxes]
    return [(float(rect.attrib["x"]), float(rect.attrib["y"])) for rect in rects if rect is not None]


def test_no_two_boxes_of_a_picture_overlap_and_all_lie_inside() -> None:
    wide = views("a", *({"id": f"s{n}", "prompt": "x", "needs": ["step_1"]} for n in range(7)), {"prompt": "z"})
    picture = svg(wide, "w")
    found = corners(picture)
    assert len(set(found)) == len(wide)
    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', picture)[0])
    assert all(0 <= x <= width - 232 and 0 <= y <= height - 48 for x, y in found)
    for x, y in found:
        assert all(abs(x - other_x) >= 232 for other_x, other_y in found if other_y == y and other_x != x)


def test_two_thousand_steps_are_drawn() -> None:
    steps = [{"id": f"s{n}", "prompt": "x", "needs": [f"s{n // 2}", f"s{n - 1}"] if n else []} for n in range(2_000)]
    many = views(*steps)
    assert len(corners(svg(many, "w"))) == 2_000
    assert len(mermaid(many).splitlines()) == 1 + 2_000 + sum(len(set(step["needs"])) for step in steps)
