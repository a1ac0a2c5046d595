"""Runs that another journal recorded: whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.events import Event
from agentcli.core.runs import RunRow
from agentcli.journal import operations, writer
from agentcli.journal.store import TASK_PREVIEW, SqliteJournal
from tests.fakes.journals import change, code_of, opened, recorded
from tests.fakes.recorded import end, start

CONTENTS = (b'"manifest"', b"before", b"after " * 20_000)


async def taken_out(folder: Path) -> tuple[RunRow, list[Event], list[bytes]]:
    """A run as a bundle would carry it."""
    run = await recorded(folder)
    with opened(folder) as journal:
        events = list(journal.events(run))
        wanted: set[Digest] = {digest for event in events for digest in mentioned(event)}
        return journal.find(run), events, [*CONTENTS, *(journal.blob(digest) for digest in sorted(wanted))]


def mentioned(event: Event) -> list[Digest]:
    request = getattr(event.body, "request", None)
    return [] if request is None else [request.head, *request.added]


async def test_a_run_taken_out_and_in_is_the_same_run_and_intact(tmp_path: Path) -> None:
    row, events, contents = await taken_out(tmp_path / "a")
    with opened(tmp_path / "b") as journal:
        assert journal.import_run(row.start, events, row.end, contents)
        assert (journal.find("last"), list(journal.events("last"))) == (row, events)
        checked = journal.verify("last")
        assert (checked.intact, checked.events, checked.blobs) == (True, 6, 8)
    with opened(tmp_path / "a") as journal:
        assert journal.import_run(row.start, events, row.end, contents) is False


@pytest.mark.parametrize("values", [{"kind": "boss"}, {"started": -1.0}, {"parent": "../x"}, {"id": "a/b"}])
async def test_a_row_that_no_run_has_is_refused_before_anything_is_made(tmp_path: Path, values: Any) -> None:
    with opened(tmp_path / "journal") as journal, pytest.raises(ValueError, match="run"):
        journal.import_run(replace(start(), **values), [], None)
    assert not (tmp_path / "journal").exists()


def test_a_long_task_stands_in_the_row_as_that_of_a_run_that_began_here(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert journal.import_run(start(task="Why? " * 200), [], end())
        assert len(journal.find("last").start.task) == TASK_PREVIEW
        assert journal.import_run(start(task="Why? " * 200), [], end()) is False


async def test_an_import_that_fails_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, events, contents = await taken_out(tmp_path / "a")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with opened(tmp_path / "b") as journal:
        monkeypatch.setattr(operations.End, "write", full)
        assert code_of(lambda: journal.import_run(row.start, events, row.end, contents)) == "E-JOURNAL-FULL"
        monkeypatch.undo()
        assert journal.runs() == []
        assert code_of(lambda: journal.blob(digest_bytes(b"before"))) == "E-BLOB-MISSING"
        assert journal.import_run(row.start, events, row.end, contents)
        assert journal.verify("last").intact


async def test_a_damaged_run_here_is_not_taken_for_the_same(tmp_path: Path) -> None:
    row, events, contents = await taken_out(tmp_path)
    change(tmp_path, "UPDATE events SET name = 'x' WHERE seq = 6")
    with opened(tmp_path) as journal:
        assert code_of(lambda: journal.import_run(row.start, events, row.end, contents)) == "E-REPLAY-DAMAGED"


def test_a_writer_that_is_stuck_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = SqliteJournal(tmp_path)
    journal.import_run(start(), [], end())
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    with journal._writer._turnstile.turn(), opened(tmp_path) as other:
        monkeypatch.setattr(writer.Writer, "open", lambda self: None)
        assert code_of(lambda: other.tag("last", ["x"])) == "E-JOURNAL-BUSY"
    monkeypatch.undo()
    journal.close()
