"""A workflow for each of many rows: every row ends once, in whatever order, and nothing that is done is done again."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentcli.core.events import LimitReached, RowStarted
from agentcli.core.limits import Limits
from agentcli.core.models import Usage
from agentcli.engine.limits import NO_LIMITS, Budget, SharedBudget
from agentcli.errors import StorageError
from tests.fakes.each import EachRig

BAD = {"input": "x", "error": {"code": "E-EACH-ROW", "what": "It is none.", "why": "", "fix": ""}}


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"input": number} for number in range(1, count + 1)]


async def test_every_row_is_run_once_and_told() -> None:
    rig = EachRig(numbers(7))
    outcome, rows = await rig.run()
    assert (outcome.status, outcome.output) == ("completed", {"rows": 7, "completed": 7, "failed": 0})
    assert sorted(rows.ended) == [(number, "completed") for number in range(1, 8)]
    assert sorted(row for row, _, again in rows.ran if not again) == list(range(1, 8))
    assert (outcome.turns, outcome.usage, outcome.cost_usd) == (7, Usage(14, 7), 3.5)


async def test_no_rows_are_a_run_that_does_nothing() -> None:
    outcome, rows = await EachRig([]).run()
    assert (outcome.status, outcome.output) == ("completed", {"rows": 0, "completed": 0, "failed": 0})
    assert rows.ran == []


async def test_so_many_rows_are_at_work_at_a_time() -> None:
    _, rows = await EachRig(numbers(9), concurrency=4, together=4).run()
    assert rows.most == 4


async def test_rows_are_on_record_before_the_first_is_run() -> None:
    rig = EachRig(numbers(7))
    await rig.run()
    types = [event.body.type for event in rig.recorded()]
    assert types[:5] == ["run.started", *["rows.read"] * 3, "row.started"]


async def test_a_bad_row_is_one_that_failed_and_the_others_are_run() -> None:
    outcome, rows = await EachRig([{"input": 1}, BAD, {"input": "three"}, {"input": 4}]).run()
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.output == {"rows": 4, "completed": 2, "failed": 2}
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.why) == ("E-EACH-FAILED", "Row 2: It is none.")
    assert "--retry-failed" not in outcome.error.fix
    assert sorted(rows.ended) == [(1, "completed"), (2, "failed"), (3, "failed"), (4, "completed")]


async def test_many_bad_rows_let_others_have_a_turn() -> None:
    rig = EachRig([BAD] * 120)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    await rig.run()
    task.cancel()
    assert turns > 2


async def test_a_failed_row_fails_the_run_and_not_the_others() -> None:
    outcome, rows = await EachRig(numbers(5), ends=lambda row: row not in (2, 4)).run()
    assert outcome.error is not None
    assert (outcome.error.what, outcome.error.why) == ("2 of 5 rows failed.", "Row 2: It did not work.")
    assert "--retry-failed" in outcome.error.fix
    assert len(rows.ended) == 5


async def test_what_cannot_be_recorded_stops_all_rows() -> None:
    full = StorageError("E-JOURNAL-FULL", "The disk is full.")
    outcome, rows = await EachRig(numbers(50), ends=lambda row: full if row == 3 else True).run()
    assert outcome.error is not None
    assert outcome.error.code == "E-JOURNAL-FULL"
    assert len(rows.ran) < 50


async def test_rows_together_are_stopped_by_a_limit() -> None:
    rig = EachRig(numbers(9), limits=[Limits(turns=4)], concurrency=1)
    outcome, rows = await rig.run()
    assert (outcome.status, outcome.exit_code, len(rows.ran)) == ("limited", 4, 4)
    _, _, playback = await rig.replay()
    assert playback.divergence is None


async def test_the_last_row_may_use_up_the_rest() -> None:
    outcome, _ = await EachRig(numbers(4), limits=[Limits(turns=4)]).run()
    assert outcome.status == "completed"


async def test_a_row_that_is_stopped_by_what_all_have_used_stops_the_run() -> None:
    rig = EachRig(numbers(6), ends=lambda row: LimitReached("turns", 9, 9) if row == 3 else True, concurrency=1)
    outcome, _ = await rig.run()
    assert outcome.status == "limited"
    rig.ends = lambda row: True
    outcome, rows = await rig.resume()
    assert outcome.output == {"rows": 6, "completed": 6, "failed": 0}
    assert [row for row, _, _ in rows.ran] == [3, 4, 5, 6]


async def test_a_raised_limit_holds_from_there_on() -> None:
    rig = EachRig(numbers(6), limits=[Limits(turns=2)], concurrency=1)
    await rig.run()
    outcome, rows = await rig.resume(Limits(turns=4))
    assert (outcome.status, len(rows.ran)) == ("limited", 2)
    outcome, _ = await rig.resume(Limits(turns=3))
    assert outcome.status == "limited"
    _, _, playback = await rig.replay()
    assert playback.divergence is None


async def test_a_limit_of_time_ends_the_rows_at_work() -> None:
    rig = EachRig(numbers(3), together=9, seconds=0.01)
    outcome, _ = await rig.run()
    assert (outcome.status, outcome.exit_code) == ("limited", 4)
    rig.together, rig.seconds = 1, None
    outcome, rows = await rig.resume()
    assert (outcome.status, len(rows.ran)) == ("completed", 3)


# -- replay, resume, once more ----------------------------------------------------------------------------------------


async def test_a_replay_runs_no_row_and_tells_all() -> None:
    rig = EachRig([*numbers(8), BAD], ends=lambda row: row != 3, concurrency=3, together=3)
    first, told = await rig.run()
    second, rows, playback = await rig.replay()
    assert playback.divergence is None
    assert (second.output, second.error, second.usage) == (first.output, first.error, first.usage)
    assert (rows.ran, rows.ended) == ([], told.ended)


async def cancelled(rig: EachRig, after: int) -> None:
    """Stop it when so many rows are at work, none of which ends."""
    rig.together = 10**6
    task = asyncio.create_task(rig.run())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await task
    assert rig.rows is not None
    assert (rig.rows.most, rig.rows.ran) == (after, [])
    rig.together = 1


async def test_rows_in_flight_go_on_under_their_own_ids() -> None:
    rig = EachRig(numbers(6), concurrency=3)
    await cancelled(rig, 3)
    ids = {event.body.row: event.body.child for event in rig.recorded() if isinstance(event.body, RowStarted)}
    outcome, rows = await rig.resume()
    assert outcome.status == "completed"
    assert {row: run for row, run, _ in rows.ran if row in ids} == ids
    begun = [event.body.row for event in rig.recorded() if isinstance(event.body, RowStarted)]
    assert sorted(begun) == [1, 2, 3, 4, 5, 6]
    _, _, playback = await rig.replay()
    assert playback.divergence is None


async def test_failed_rows_are_kept_by_a_resumption_and_run_again_where_that_is_asked_for() -> None:
    rig = EachRig([*numbers(5), BAD], ends=lambda row: row not in (2, 4))
    await rig.run()
    rig.ends = lambda row: row != 4
    outcome, rows = await rig.resume()
    assert (rows.ran, outcome.output) == ([], {"rows": 6, "completed": 3, "failed": 3})
    outcome, rows = await rig.resume(retries=True)
    assert sorted((row, again) for row, _, again in rows.ran) == [(2, True), (4, True)]
    assert outcome.output == {"rows": 6, "completed": 4, "failed": 2}
    assert sorted(rows.ended) == [
        (1, "completed"), (2, "completed"), (3, "completed"), (4, "failed"), (5, "completed"), (6, "failed"),
    ]  # fmt: skip
    rig.ends = lambda row: True
    outcome, rows = await rig.resume(retries=True)
    assert [row for row, _, _ in rows.ran] == [4]
    assert (outcome.output, outcome.turns) == ({"rows": 6, "completed": 5, "failed": 1}, 5)
    again, rows, playback = await rig.replay()
    assert (playback.divergence, again.output, len(rows.ended)) == (None, outcome.output, 6)


async def test_a_row_that_is_run_again_keeps_its_id() -> None:
    rig = EachRig(numbers(3), ends=lambda row: row != 2)
    await rig.run()
    rig.ends = lambda row: True
    await rig.resume(retries=True)
    runs = [event.body.child for event in rig.recorded() if isinstance(event.body, RowStarted) and event.body.row == 2]
    assert len(runs) == 2
    assert len(set(runs)) == 1


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["good", "fails", "bad"]), max_size=12),
    st.integers(1, 5),
    st.lists(st.booleans(), max_size=3),
)
def test_whatever_is_resumed_every_row_ends_once_and_replays(kinds: list[str], width: int, retries: list[bool]) -> None:
    entries = [BAD if kind == "bad" else {"input": at} for at, kind in enumerate(kinds)]
    rig = EachRig(entries, ends=lambda row: kinds[row - 1] == "good", concurrency=width)

    async def all_of_it() -> None:
        outcome, rows = await rig.run()
        for again in retries:
            outcome, rows = await rig.resume(retries=again)
        assert sorted(row for row, _ in rows.ended) == list(range(1, len(kinds) + 1))
        replayed, told, playback = await rig.replay()
        assert playback.divergence is None
        assert (replayed.output, told.ended) == (outcome.output, rows.ended)

    asyncio.run(all_of_it())


async def test_no_row_begins_far_ahead_of_one_that_is_not_done() -> None:
    """Whoever puts the rows in order holds those in between."""
    rig = EachRig(numbers(40), concurrency=3, ahead=4, slow=1)
    _, rows = await rig.run()
    assert [row for row, _, _ in rows.ran].index(1) == 4
    assert sorted(row for row, _, _ in rows.ran) == list(range(1, 41))
    _, _, playback = await rig.replay()
    assert playback.divergence is None


# -- what all rows use together ---------------------------------------------------------------------------------------


def test_rows_at_work_and_those_that_are_done_share_a_limit() -> None:
    done = Budget(Limits(turns=None, tokens=10))
    together = SharedBudget(done)
    own = Budget(NO_LIMITS, together)
    together.at_work[1] = own
    assert own.open_turn() == 1
    own.count(Usage(3, 2), None)
    assert own.exhausted() is None
    done.add(Usage(5, 0), 0.5, 1)
    assert own.exhausted() == LimitReached("tokens", 10, 10)
    assert (done.turns, done.usage, together.turns) == (1, Usage(5, 0), 0)


def test_without_limits_nothing_is_added_up() -> None:
    together = SharedBudget(Budget(NO_LIMITS))
    together.at_work[1] = Budget(NO_LIMITS)
    assert together.exhausted() is None
