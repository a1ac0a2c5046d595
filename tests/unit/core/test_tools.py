"""What is on record of a file that a call touched."""

from __future__ import annotations

import pytest

from agentcli.core.canonical import digest
from agentcli.core.events import ToolCompleted
from agentcli.core.tools import FileTouch

OLD = {"path": "a", "before": None, "after": "0" * 64, "changed": True, "masked": False}


def test_a_touch_comes_back_as_it_was_recorded() -> None:
    for touch in (FileTouch("a", None, "0" * 64, True), FileTouch("a", "0" * 64, None, True, mode=0o755)):
        assert FileTouch.from_json(touch.to_json()) == touch


def test_permissions_that_are_not_known_are_no_part_of_it_so_old_results_keep_their_digests() -> None:
    assert FileTouch.from_json(OLD).to_json() == OLD
    body = ToolCompleted("t", "c", "ok", "", None, 0.1, (FileTouch.from_json(OLD),))
    fields = {"tool": "t", "call_id": "c", "status": "ok", "result": "", "data": None, "duration_s": 0.1}
    assert digest(body.to_json()) == digest({**fields, "files": [OLD]})


@pytest.mark.parametrize("mode", [-1, 0o1000, True, "755", 4.0])
def test_permissions_are_nine_bits(mode: object) -> None:
    with pytest.raises(ValueError, match="permissions"):
        FileTouch.from_json({**OLD, "mode": mode})
