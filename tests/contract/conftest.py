"""The journals that must all behave alike. Another one joins by adding a backend to BACKENDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcli.journal.store import SqliteJournal
from tests.fakes.journal import InMemoryJournal

BACKENDS: dict[str, Callable[[Path], Any]] = {
    "sqlite": lambda folder: SqliteJournal(folder / "journal"),
    "memory": lambda folder: InMemoryJournal(),
}


@pytest.fixture(params=BACKENDS)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()
