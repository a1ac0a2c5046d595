"""Random step graphs: those without a circle check clean, and a circle is found."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalog.conftest import Files
from tests.unit.core.test_graphs import graphs, reached


def text_of(needs: dict[str, tuple[str, ...]]) -> str:
    steps = "".join(
        f"  - {{id: {step_id}, needs: [{', '.join(those)}], "
        f"prompt: '{''.join(f'{{{{ steps.{need}.output }}}}' for need in sorted(reached(step_id, needs)))}x'}}\n"
        for step_id, those in needs.items()
    )
    return f"name: w\nsteps:\n{steps}"


@given(graphs())
def test_a_graph_without_a_circle_has_no_problem(needs: dict[str, tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert Files(Path(folder)).problems(text_of(needs)) == []


@given(graphs(), st.data())
def test_a_circle_is_found_and_its_way_told(needs: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    last = data.draw(st.sampled_from(sorted(needs)))
    first = data.draw(st.sampled_from(sorted({last, *reached(last, needs)})))
    text = text_of(needs).replace(f"id: {first}, needs: [", f"id: {first}, needs: [{last}, ")
    with tempfile.TemporaryDirectory() as folder:
        problems = Files(Path(folder)).problems(text)
    assert {info.code for info in problems} == {"E-TEMPLATE-CYCLE"}
    assert any(f"`{last}`" in info.why or "needs itself" in info.why for info in problems)


@given(graphs(), st.data())
def test_a_step_that_may_not_be_done_cannot_be_used(needs: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    user = data.draw(st.sampled_from(sorted(needs)))
    used = data.draw(st.sampled_from(sorted(needs)))
    text = text_of(needs) + f"  - {{id: last, needs: [{user}], prompt: '{{{{ steps.{used}.output }}}}'}}\n"
    with tempfile.TemporaryDirectory() as folder:
        problems = Files(Path(folder)).problems(text)
    assert (not problems) == (used in {user, *reached(user, needs)})
