"""What runs beside a run have put is not put again, once it is safe."""

from __future__ import annotations

from typing import Any

from agentcli.workbench import sibling_log
from agentcli.workbench.sibling_log import Known, SiblingLog
from tests.fakes.engine import run_start
from tests.fakes.journal import InMemoryJournal
from tests.fakes.recorded import end


def log_of(journal: InMemoryJournal, number: int, known: Known) -> tuple[SiblingLog, list[bytes]]:
    real: Any = journal.begin(run_start(f"20261121-081532-00000{number}"))
    put: list[bytes] = []
    before = real.put

    class Watching:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def put(self, data: bytes) -> str:
            put.append(data)
            return str(before(data))

    watched: Any = Watching()
    return SiblingLog(watched, known), put


async def test_a_content_is_known_when_the_run_that_put_it_has_ended() -> None:
    journal, known = InMemoryJournal(), Known()
    first, put = log_of(journal, 1, known)
    beside, also = log_of(journal, 2, known)
    assert first.put(b"prompt") == beside.put(b"prompt")
    assert (put, also) == ([b"prompt"], [b"prompt"])
    await first.barrier()
    await first.abandon()
    assert beside.put(b"prompt")
    assert also == [b"prompt", b"prompt"]
    await beside.end(end())
    third, last = log_of(journal, 3, known)
    assert third.put(b"prompt")
    assert third.put(b"another")
    assert last == [b"another"]


def test_only_those_last_met_are_known(monkeypatch: Any) -> None:
    monkeypatch.setattr(sibling_log, "MOST", 2)
    known = Known()
    known.add(["a", "b"])
    assert "a" in known
    known.add(["c"])
    assert ["a" in known, "b" in known, "c" in known] == [True, False, True]
