"""Journals on disk to read, and to damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import ModelCompleted, ModelStarted, ToolCompleted, TurnStarted
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.tools import FileTouch
from agentcli.errors import StorageError, UsageError
from agentcli.journal.run_log import SqliteRunLog
from agentcli.journal.store import SqliteJournal
from tests.fakes.recorded import completed, end, event, model_key, said, start, started


def begun(journal: SqliteJournal, number: int = 1, **changes: Any) -> SqliteRunLog:
    """A run that has its manifest."""
    log = journal.begin(start(number, **changes))
    log.put(encode("manifest"))
    return log


async def recorded(folder: Path, number: int = 1) -> str:
    """A run of six events, whose journal is closed."""
    journal = SqliteJournal(folder)
    log = begun(journal, number)
    before, after = log.put(b"before"), log.put(b"after " * 20_000)
    message = said("I will look. " * 20)
    log.append(event(log, started("What is it? " * 30)))
    log.append(event(log, TurnStarted(), turn=1))
    added = (log.put(encode(said("What? " * 10).to_json())),)
    log.append(
        event(
            log,
            ModelStarted("fake", "model", RequestDelta(None, 0, added, log.put(b'{"models":[]}'))),
            key=model_key(0),
        )
    )
    done = ModelCompleted(message, Usage(10, 2), "stop", "fake:model", 0.5, 0.25, 1)
    log.append(event(log, done, key=model_key(0), request="1" * 64, result="2" * 64))
    files = (FileTouch("a.txt", before, after, True), FileTouch("b.txt", digest_bytes(b"unread"), None, False))
    log.append(event(log, ToolCompleted("t", "c", "ok", "result " * 30, None, 0.1, files)))
    log.append(event(log, completed()))
    await log.end(end())
    journal.close()
    return log.run


@contextmanager
def opened(folder: Path) -> Iterator[SqliteJournal]:
    """The journal there, closed in the end."""
    journal = SqliteJournal(folder)
    try:
        yield journal
    finally:
        journal.close()


def change(folder: Path, statement: str, *values: Any) -> None:
    database = sqlite3.connect(folder / "journal.db")
    with database:
        assert database.execute(statement, values).rowcount == 1
    database.close()


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises((StorageError, UsageError)) as caught:
        action()
    return str(caught.value.code)
