"""The published schema of the events fits the events."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from agentcli.cli.render.problems import error_event
from agentcli.core.events import BODIES, Event
from agentcli.workbench.event_schema import event_schema
from tests.cli.events import FAULT, ONE_OF_EACH, RUN, events


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.validator_for(event_schema())


def test_every_kind_of_event_is_tried_here() -> None:
    assert {body.type for body in ONE_OF_EACH} == set(BODIES)


@pytest.mark.parametrize("event", events([(body, 1, "turn.1") for body in ONE_OF_EACH]), ids=lambda e: e.body.type)
def test_every_event_fits(validator: Any, event: Event) -> None:
    line = json.loads(json.dumps(event.to_json()))
    assert [error.message for error in validator.iter_errors(line)] == []


def test_an_error_before_any_run_fits(validator: Any) -> None:
    assert validator.is_valid(error_event([FAULT], 7))
    assert validator.is_valid(error_event([FAULT, FAULT], 3))


@pytest.mark.parametrize("change", [{"seq": None}, {"schema": 2}, {"type": "nonsense"}, {"time": 5}, {"run": None}])
def test_what_is_no_event_does_not_fit(validator: Any, change: dict[str, Any]) -> None:
    line = events()[0].to_json()
    assert line["run"] == RUN
    assert validator.is_valid(line)
    assert not validator.is_valid({**line, **change})
