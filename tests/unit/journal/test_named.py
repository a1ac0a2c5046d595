"""What a run needs is among what it mentions: who prunes goes by the one, who verifies by the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.events import Event, RowsRead
from agentcli.journal.named import mentioned_in, named_by, named_in, needed_by, needed_in, plan_in
from agentcli.journal.reading import EventReader
from agentcli.journal.records import line_in, parts_of
from tests.fakes.journals import opened, recorded
from tests.fakes.pruned import SMALL, all_rows, forked, large, recorded_with
from tests.fakes.recorded import start

A, B = "a" * 64, "b" * 64


async def test_all_that_is_needed_is_mentioned(tmp_path: Path) -> None:
    await recorded(tmp_path, 9)
    with opened(tmp_path) as journal:
        parent = await recorded_with(journal, 1, SMALL, large(1))
        await forked(journal, 2, parent, 3)
        reader = journal._reading()
        needed = set()
        for n in range(1, 1 + len(all_rows(journal))):
            for row in EventReader(reader.database, reader.blobs.files, reader.path).rows(n):
                wanted = dict(needed_by(row[2], parts_of(line_in(row))))
                assert {*wanted.values()} <= set(mentioned_in(row))
                assert wanted.get("manifest") == plan_in(row)
                needed.update(wanted)
        assert {"message", "request", "files", "manifest", "result", "task"} <= needed


@pytest.mark.parametrize(
    "manifest", [b"no plan", b"[1]", b'{"history": 3}', b'{"history": ["x"]}', b'{"plan": 3}', b'{"plan": "x"}']
)
def test_what_is_no_plan_names_nothing(manifest: bytes) -> None:
    assert list(needed_in(manifest)) == []


def test_a_plan_names_the_one_it_is_part_of_and_the_messages_it_goes_on_with() -> None:
    assert named_in({"plan": A, "history": [B]}) == ((A, "plan"), (B, "message"))
    assert named_in({}) == ()


async def test_the_rows_that_were_read_are_needed(tmp_path: Path) -> None:
    """They are run from the record: whoever prunes, exports or checks it has to know of them."""
    with opened(tmp_path) as journal:
        log = journal.begin(start(1))
        content = log.put(b'[{"input":{"text":"a"}}]')
        read = RowsRead("rows.jsonl", 1, 1, content, more=False)
        log.append(Event(log.run, 1, 1.0, 1.0, read))
        await log.barrier()
        reader = journal._reading()
        (row,) = EventReader(reader.database, reader.blobs.files, reader.path).rows(1)
        assert dict(needed_by(row[2], parts_of(line_in(row)))) == {"content": bytes.fromhex(content)}
        (event,) = journal.events(log.run)
        assert list(named_by(event)) == [(content, "rows")]
        await log.abandon()
