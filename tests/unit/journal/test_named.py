"""What a run needs is among what it mentions: who prunes goes by the one, who verifies by the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.journal.named import needed_in, mentioned_in, needed_by, plan_in
from agentcli.journal.reading import EventReader
from agentcli.journal.records import line_in, parts_of
from tests.fakes.journals import opened, recorded
from tests.fakes.pruned import SMALL, all_rows, forked, large, recorded_with


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


@pytest.mark.parametrize("manifest", [b"no plan", b"[1]", b'{"history": 3}', b'{"history": ["x"]}'])
def test_what_is_no_plan_has_no_history(manifest: bytes) -> None:
    assert list(needed_in(manifest)) == []
