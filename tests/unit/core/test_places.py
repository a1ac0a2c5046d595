"""Where in a workflow something happens, from its lane."""

from __future__ import annotations

import pytest

from agentcli.core.places import Place, place_of, place_text


@pytest.mark.parametrize(
    ("lane", "place", "text"),
    [
        ("", None, ""),
        ("turn.1/call.2", None, ""),
        ("step.draft", Place("draft", ()), "draft"),
        ("step.draft/attempt.2/turn.1", Place("draft", ("attempt.2", "turn.1")), "draft"),
        ("step.check/item.3", Place("check", ("item.3",)), "check[3]"),
        ("step.check/item.3/step.fetch/round.2/turn.1", Place("check.fetch", ("round.2", "turn.1")), "check[3].fetch"),
    ],
)
def test_the_innermost_step_is_found(lane: str, place: Place | None, text: str) -> None:
    assert place_of(lane) == place
    assert place_text(lane) == text


def test_what_is_below_the_step_is_told_apart() -> None:
    assert Place("a", ()).is_step
    assert Place("a", ("item.1",)).is_item
    assert not Place("a", ("item.1", "turn.1")).is_item
    assert Place("a", ("attempt.2", "round.3")).number("round") == 3
    assert Place("a", ("call",)).number("round") is None
    assert Place("a", ("round.x",)).number("round") is None
