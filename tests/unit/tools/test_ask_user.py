from __future__ import annotations

import pytest

from agentcli.errors import ToolArgumentsError
from tests.unit.tools.conftest import Build, Fail


def test_the_question_and_the_choices_are_read(build: Build) -> None:
    tool = build("ask_user")
    assert tool.spec.asks_person
    assert tool.parse({"question": "Why?", "choices": None}) == {"question": "Why?"}
    assert tool.parse({"question": "Which?", "choices": ["a", "b"]}) == {"question": "Which?", "choices": ["a", "b"]}


@pytest.mark.parametrize("choices", ["a", {"a": 1}, [1, {}], ["x"] * 21, ["\ud800"]])
def test_choices_are_a_short_list_of_texts(build: Build, choices: object) -> None:
    with pytest.raises(ToolArgumentsError, match="choices"):
        build("ask_user").parse({"question": "Which?", "choices": choices})


def test_it_is_never_called_itself(fail: Fail) -> None:
    assert fail("ask_user", question="Why?").code == "E-TOOL-PERSON"
