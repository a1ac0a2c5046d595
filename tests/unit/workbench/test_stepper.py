"""Going through a record: every command leads somewhere or says why not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.events import Event, ToolCompleted, ToolStarted, TurnStarted
from agentcli.errors import UsageError
from agentcli.workbench.stepper import COMMANDS, SHORT, Stepper, parse

STARTED = ToolStarted("look", "c1", {"path": "x"})
EVENTS = [
    Event("r", 1, 0.0, 0.0, TurnStarted()),
    Event("r", 2, 0.0, 0.0, ToolStarted("look", "c1", {}), lane="other"),
    Event("r", 3, 0.0, 0.0, STARTED),
    Event("r", 4, 0.0, 0.0, ToolCompleted("look", "c1", "ok", "found", None, 0.0), result="0" * 64),
    Event("r", 5, 0.0, 0.0, ToolCompleted("look", "c2", "denied", "no", None, 0.0)),
]


@given(st.text(max_size=20))
def test_a_line_is_a_command_or_wrong_usage(line: str) -> None:
    word = line.strip().partition(" ")[0]
    if word in SHORT:
        assert parse(line).name in COMMANDS
    elif word not in COMMANDS:
        with pytest.raises(UsageError):
            parse(line)


@pytest.mark.parametrize(("word", "name"), SHORT.items())
def test_short_words(word: str, name: str) -> None:
    assert parse(word).name == name


@given(st.lists(st.tuples(st.sampled_from(["next", "back", "go", "find", "break", "continue"]), st.text(max_size=4))))
def test_one_always_stands_at_an_event(commands: list[tuple[str, str]]) -> None:
    stepper = Stepper(EVENTS)
    moves: dict[str, Callable[[str], object]] = {
        "next": lambda _: stepper.move(1),
        "back": lambda _: stepper.move(-1),
        "go": stepper.go,
        "find": stepper.find,
        "break": stepper.toggle,
        "continue": lambda _: stepper.run_on(),
    }
    for name, word in commands:
        with contextlib.suppress(UsageError):
            moves[name](word)
        assert 1 <= stepper.event.seq <= len(EVENTS)


def test_a_call_is_the_one_of_its_own_lane() -> None:
    assert Stepper(EVENTS, at=3).call() is STARTED
    with pytest.raises(UsageError):
        Stepper(EVENTS, at=4).call()


def test_a_stop_by_number_or_by_tool() -> None:
    stepper = Stepper(EVENTS)
    assert stepper.toggle("4")
    stepper.run_on()
    assert stepper.event.seq == 4
    assert not stepper.toggle("4")
    assert stepper.toggle("tool:look")
    stepper.go("1")
    stepper.run_on()
    assert stepper.event.seq == 2


def test_only_a_recorded_result_can_be_edited() -> None:
    stepper = Stepper(EVENTS, at=3)
    stepper.edit("other")
    assert (stepper.result(), stepper.replaced()) == ("other", ({4: "other"}, {}))
    stepper.move(-1)
    assert stepper.replaced() == ({}, {})
    stepper.go("5")
    with pytest.raises(UsageError):
        stepper.edit("x")
