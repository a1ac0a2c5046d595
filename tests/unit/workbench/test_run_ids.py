"""Ids of runs that begin in the same second."""

from __future__ import annotations

from agentcli.workbench.run_ids import RunIds


def test_no_id_is_drawn_twice_in_a_second() -> None:
    drawn = iter([1, 1, 1, 2, 1])
    seconds = [100.0]
    ids = RunIds(lambda: seconds[0], lambda bits: next(drawn))
    first, second = ids.new(), ids.new()
    assert first != second
    seconds[0] = 101.0
    assert ids.new() not in (first, second)
    assert next(drawn, None) is None
