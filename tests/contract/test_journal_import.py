"""What every journal must do with a run that another one recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import Event, ModelStarted
from agentcli.core.models import RequestDelta
from agentcli.core.runs import RunEnd
from agentcli.errors import StorageError
from tests.fakes.recorded import completed, end, start, started, whole_run


def foreign_events(run: str) -> list[Event]:
    """What a run recorded elsewhere holds: a message kept by content, a request that names one."""
    delta = RequestDelta(None, 0, (digest_bytes(b"one"),), "a" * 64)
    bodies = [started("Why? " * 100), ModelStarted("fake", "model", delta), completed()]
    return [Event(run, seq, 1.0 + seq, float(seq), body) for seq, body in enumerate(bodies, 1)]


@pytest.mark.parametrize("finish", [end(), None])
async def test_a_run_recorded_elsewhere_is_taken_in_once(journal: Any, finish: RunEnd | None) -> None:
    begun = start(4, parent=start(2).id, relation="fork", cut=7)
    events = foreign_events(begun.id)
    assert journal.import_run(begun, iter(events), finish, iter([b"one", b"x" * 100_000]), ["imported"])
    (row,) = journal.runs()
    assert (row.start, row.end, row.tags) == (begun, finish, ("imported",))
    assert row.status == ("completed" if finish else "interrupted")
    assert list(journal.events(begun.id)) == events
    assert journal.blob(digest_bytes(b"x" * 100_000)) == b"x" * 100_000
    assert journal.import_run(begun, events, finish, [b"one"], ["again"]) is False
    assert journal.runs() == [row]
    await journal.resume(begun.id).abandon()


async def test_another_run_of_the_same_id_is_not_taken_in(journal: Any) -> None:
    run = await whole_run(journal)
    before = journal.find(run)
    for changed, events in ((start(name="other"), []), (start(), foreign_events(run))):
        with pytest.raises(StorageError) as caught:
            journal.import_run(changed, events, end())
        assert caught.value.code == "E-RUN-EXISTS"
    assert journal.find(run) == before
    log = journal.resume(run)
    with pytest.raises(StorageError) as caught:
        journal.import_run(start(), foreign_events(run), end())
    assert caught.value.code == "E-RUN-OWNED"
    await log.abandon()


@pytest.mark.parametrize("change", [{"seq": 3}, {"run": "another"}, {"body": completed(float("nan"))}])
def test_a_run_with_an_event_that_cannot_be_is_not_taken_in(journal: Any, change: dict[str, Any]) -> None:
    events = foreign_events(start().id)
    events[1] = replace(events[1], **change)
    with pytest.raises(ValueError, match=r"event|follow|JSON"):
        journal.import_run(start(), events, end())
    assert journal.runs() == []
