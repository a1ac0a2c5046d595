"""Bodies of events, read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.event_bodies import ToolCompleted, TurnStarted, UnknownBody
from agentcli.core.event_reading import read_body
from agentcli.core.events import Event
from agentcli.core.flags import Flag


def test_an_event_of_a_newer_version_keeps_and_shows_its_type() -> None:
    body = read_body("step.slept", {"seconds": 3})
    assert isinstance(body, UnknownBody)
    assert body.type == "step.slept"
    shown = Event("run", 1, 0.0, 0.0, body).to_json()
    assert (shown["type"], shown["seconds"]) == ("step.slept", 3)


def test_unknown_bodies_are_equal_by_type_and_fields() -> None:
    assert read_body("a.new", {"n": 1}) == read_body("a.new", {"n": 1})
    assert read_body("a.new", {"n": 1}) != read_body("an.other", {"n": 1})
    assert read_body("a.new", {"n": 1}) != read_body("a.new", {"n": 2})


def test_a_call_that_changed_nothing_unseen_is_written_as_it_ever_was() -> None:
    body = ToolCompleted("shell", "c", "ok", "", None, 0.0)
    assert "unseen" not in body.to_json()
    for one in (body, replace(body, unseen=True)):
        assert read_body("tool.completed", one.to_json()) == one


def test_fields_that_a_newer_version_added_are_ignored() -> None:
    assert read_body("turn.started", {"mood": "good"}) == TurnStarted()


def test_flags_stand_in_a_result_only_where_there_are_any() -> None:
    plain = ToolCompleted("look", "c1", "ok", "x", None, 0.1)
    assert "flags" not in plain.to_json()
    flagged = replace(plain, flags=(Flag("override", 3, "ignore"),))
    assert flagged.to_json() == {**plain.to_json(), "flags": [{"kind": "override", "at": 3, "excerpt": "ignore"}]}
    assert read_body("tool.completed", flagged.to_json()) == flagged
    assert read_body("tool.completed", plain.to_json()) == plain


@pytest.mark.parametrize(
    "flag",
    [
        {"kind": 1, "at": 0, "excerpt": ""},
        {"kind": "", "at": -1, "excerpt": ""},
        {"kind": "", "at": True, "excerpt": ""},
        {"kind": "", "at": 0, "excerpt": None},
        {"kind": "", "at": 0},
        [],
    ],
)
def test_a_flag_that_was_never_written_is_refused(flag: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Flag.from_json(flag)
