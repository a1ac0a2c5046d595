"""`agentcli.testing`: what generated tests stand on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentcli.errors import ErrorInfo
from agentcli.testing import Replay
from agentcli.workbench.difference import difference
from agentcli.workbench.replay_run import Divergence

SAME = Replay("20261121-081532-k7f3qz", "tester", "completed", "Done.", ["read_lines"], None, None)
WHAT = ErrorInfo("E-REPLAY-DIFFERENT", "It is another request.")


def divergence(recorded: object, current: object) -> Divergence:
    return Divergence(WHAT, 3, 1, "", "$.x", recorded, current)


def test_what_is_the_same_passes() -> None:
    SAME.assert_same()
    SAME.assert_answer("Done.")
    SAME.assert_tools(("read_lines",))


def test_another_answer_and_other_tools_fail_with_both() -> None:
    with pytest.raises(AssertionError, match=r"answers 'Done\.', not 'Else\.'"):
        SAME.assert_answer("Else.")
    with pytest.raises(AssertionError, match=r"calls \['read_lines'\], not \[\]"):
        SAME.assert_tools([])


def test_a_divergence_fails_every_assertion_and_names_the_path_and_both_values() -> None:
    other = replace(SAME, divergence=divergence({"a": 1}, "\x1b[2Jnow"))
    for check in (other.assert_same, lambda: other.assert_answer("Done."), lambda: other.assert_tools(["read_lines"])):
        with pytest.raises(AssertionError) as caught:
            check()
        first, *rest = str(caught.value).splitlines()
        assert first.endswith("does not go as recorded: It is another request.")
        assert rest == ["  at        event 3, turn 1  $.x", '  recorded  {"a": 1}', '  current   "\\u001b[2Jnow"']


def test_of_long_texts_the_part_is_shown_where_they_differ() -> None:
    same = "word " * 1000
    at, recorded, current = difference(replace(divergence(f"{same}one", f"{same}two"), at=None, turn=None))
    assert at == "at        the end of the record  $.x"
    assert recorded.startswith('recorded  "…')
    assert recorded.endswith('word one"')
    assert current.endswith('word two"')
    assert len(difference(divergence("a", "b" * 5000))[2]) < 500
