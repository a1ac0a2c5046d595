"""Bodies of events, read back."""

from __future__ import annotations

from agentcli.core.event_bodies import TurnStarted, UnknownBody
from agentcli.core.event_reading import read_body
from agentcli.core.events import Event


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


def test_fields_that_a_newer_version_added_are_ignored() -> None:
    assert read_body("turn.started", {"mood": "good"}) == TurnStarted()
