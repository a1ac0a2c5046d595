"""Events without their contents: what very many of them are counted by."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.events import TurnStarted, Warned
from agentcli.errors import StorageError
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import change, code_of, opened, recorded
from tests.fakes.recorded import NOW, event, start


async def test_the_small_fields_are_there_and_contents_are_not_looked_up(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "DELETE FROM blobs WHERE n = (SELECT min(n) FROM blobs)")
    with opened(tmp_path) as journal:
        answer, called = journal.outlines(run, ("model.completed", "tool.completed"))
        assert (answer.seq, answer.type, answer.lane, answer.time) == (4, "model.completed", "", NOW + 4)
        fields = answer.fields()
        assert (fields["message"], fields["model"], fields["duration_s"]) == (None, "fake:model", 0.5)
        assert (called.fields()["tool"], called.fields()["status"]) == ("t", "ok")
        assert list(journal.outlines(run, ("model.completed",), 4)) == []
        assert list(journal.outlines("last", ("model.completed",))) == []


@pytest.mark.parametrize("count", [499, 500, 501, 1000])
async def test_they_are_read_page_by_page(tmp_path: Path, count: int) -> None:
    with opened(tmp_path) as journal:
        log = journal.begin(start())
        log.append(event(log, Warned("W", "what", "fix")))
        for _ in range(count):
            log.append(event(log, TurnStarted()))
        await log.abandon()
        found = [outline.seq for outline in journal.outlines(log.run, ("turn.started",))]
    assert found == list(range(2, count + 2))


async def test_a_damaged_event_is_one_when_it_is_unpacked(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET body = x'00' WHERE type = 'model.completed'")
    with opened(tmp_path) as journal:
        damaged, called = journal.outlines(run, ("model.completed", "tool.completed"))
        with pytest.raises(StorageError, match="damaged") as caught:
            damaged.fields()
        assert f"Event 4 of run {run}" in caught.value.info.why
        assert called.fields()["status"] == "ok"


async def test_digests_that_do_not_fit_the_text_are_damage(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    change(tmp_path, "UPDATE events SET digests = x'00' WHERE type = 'model.completed'")
    with opened(tmp_path) as journal:
        (outline,) = journal.outlines(run, ("model.completed",))
        assert code_of(outline.fields) == "E-JOURNAL-DAMAGED"


async def test_a_page_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    with opened(tmp_path) as journal:
        reading = journal.outlines(run, ("turn.started",))
        journal.find(run)
        assert journal._reader is not None
        journal._reader.database.close()
        assert code_of(lambda: list(reading)) == "E-JOURNAL-IO"


def test_nothing_was_ever_recorded(tmp_path: Path) -> None:
    assert code_of(lambda: list(SqliteJournal(tmp_path).outlines("x", ("turn.started",)))) == "E-JOURNAL-DAMAGED"
