"""The step graph: what needs come to, the order, what is done before, with fallbacks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.graphs import Graph, fallbacks_of, needs_of, order_of
from agentcli.core.workflows import WorkflowTemplate


def template(*steps: Any) -> WorkflowTemplate:
    return WorkflowTemplate.model_validate({"name": "w", "steps": list(steps)})


def step(step_id: str, *needs: str, fallback: str | None = None, needless: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"id": step_id, "prompt": "x"}
    if needs or needless:
        found["needs"] = list(needs)
    return {**found, "on_error": {"fallback": fallback}} if fallback else found


def before(graph: Graph, step_id: str) -> set[str]:
    return {other for other in graph.ids if graph.before[step_id] & graph.bits[other]}


def test_a_step_needs_the_one_before_it_unless_it_says_otherwise() -> None:
    steps = template("x", step("a"), step("b", needless=True), step("c", "a", "b", "a"))
    assert needs_of(steps) == {"step_1": (), "a": ("step_1",), "b": (), "c": ("a", "b")}
    assert fallbacks_of(steps) == {}


def test_a_fallback_waits_for_what_may_fail_and_nothing_follows_it_by_default() -> None:
    steps = template(step("a", fallback="b"), step("b"), step("c"), step("b2", "c"), step("d", fallback="b2"))
    assert fallbacks_of(steps) == {"b": "a", "b2": "d"}
    assert needs_of(steps) == {"a": (), "b": ("a",), "c": ("a",), "b2": ("c", "d"), "d": ("c",)}


def test_a_first_step_that_is_a_fallback_is_no_step_before() -> None:
    assert needs_of(template(step("b"), step("a", fallback="b"))) == {"b": ("a",), "a": ()}


def test_who_needs_a_step_waits_for_its_fallbacks_and_may_use_them() -> None:
    graph = Graph.of(
        template(
            step("x"), step("a", needless=True, fallback="b"), step("b", "x", fallback="c"), step("c"), step("d", "a")
        )
    )
    assert graph.waits == {"x": (), "a": (), "b": ("x", "a"), "c": ("b",), "d": ("a", "c")}
    assert graph.order == ("x", "a", "b", "c", "d")
    assert before(graph, "b") == {"x", "a"}
    assert before(graph, "d") == {"a", "b", "c"}  # not `x`, which only the fallback needs


def test_a_fallback_of_itself_or_of_a_circle_stands_in_for_nothing_that_runs() -> None:
    assert fallbacks_of(template(step("a", fallback="a"))) == {}
    circle = Graph.of(template(step("a", fallback="b"), step("b", fallback="a"), step("c", needless=True)))
    assert circle.chains == {}
    assert circle.order == ("c",)


def test_what_is_waited_for_and_is_no_step_does_not_count() -> None:
    assert order_of({"a": ("zz",), "b": ("a", "a")}) == ("a", "b")
    assert Graph.of(template(step("a", "zz", fallback="yy"))).order == ("a",)


def test_of_two_steps_with_one_id_the_first_counts() -> None:
    assert needs_of(template(step("a"), step("b"), step("a"))) == {"a": (), "b": ("a",)}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Needs without a circle, written in any order."""
    ids = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    needs = {step_id: tuple(draw(st.sets(st.sampled_from(ids[:at])))) if at else () for at, step_id in enumerate(ids)}
    return {step_id: needs[step_id] for step_id in draw(st.permutations(ids))}


def workflow(needs: dict[str, tuple[str, ...]]) -> WorkflowTemplate:
    return template(*({"id": step_id, "prompt": "x", "needs": list(those)} for step_id, those in needs.items()))


def reached(start: str, needs: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    for need in needs[start]:
        found |= {need} | reached(need, needs)
    return found


@given(graphs())
def test_each_step_comes_after_all_that_it_needs_and_knows_them(needs: dict[str, tuple[str, ...]]) -> None:
    graph = Graph.of(workflow(needs))
    assert sorted(graph.order) == sorted(needs)
    for step_id in needs:
        assert before(graph, step_id) == reached(step_id, needs)
        assert all(graph.order.index(need) < graph.order.index(step_id) for need in needs[step_id])


@given(graphs())
def test_the_order_is_the_written_one_where_needs_leave_a_choice(needs: dict[str, tuple[str, ...]]) -> None:
    order, written = Graph.of(workflow(needs)).order, list(needs)
    for place, step_id in enumerate(order):
        ready = [other for other in order[place:] if set(needs[other]) <= set(order[:place])]
        assert step_id == min(ready, key=written.index)


@given(graphs(), st.data())
def test_steps_of_a_circle_and_behind_it_are_left_out(needs: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    last = data.draw(st.sampled_from(sorted(needs)))
    first = data.draw(st.sampled_from(sorted({last, *reached(last, needs)})))
    behind = {step_id for step_id in needs if first in {step_id, *reached(step_id, needs)}}
    turned = {**needs, first: (*needs[first], last)}
    assert set(Graph.of(workflow(turned)).order) == set(needs) - behind
