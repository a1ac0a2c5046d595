"""What every journal must do, on disk or in memory. Another one joins by adding a backend to the fixture."""

from __future__ import annotations

from typing import Any

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import ModelCompleted, ModelStarted, ToolCompleted, ToolStarted
from agentcli.core.messages import Conversation, Message
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunQuery
from agentcli.errors import StorageError, UsageError
from tests.fakes.recorded import completed, end, event, model_key, said, start, started, whole_run


async def test_events_come_back_as_they_were(journal: Any) -> None:
    log = journal.begin(start())
    given = [event(log, started("Why? " * 100), lane="a", step="first", turn=3, parent="20261121-081532-aaaaaa")]
    log.append(given[0])
    body = ModelCompleted(said("Hello"), Usage(1, 2, 3, 4), "stop", "fake:model", 0.5, None, 2)
    given.append(event(log, body, key=model_key(0), request="1" * 64, result="2" * 64))
    log.append(given[1])
    given.append(event(log, ToolCompleted("read", "c1", "ok", "x" * 70_000, {"lines": [1, None]}, 0.1)))
    log.append(given[2])
    await log.barrier()
    assert list(journal.events(log.run)) == given
    assert list(journal.events(log.run, after=2)) == given[2:]
    await log.abandon()


async def test_a_value_is_serialised_when_it_is_appended(journal: Any) -> None:
    log = journal.begin(start())
    arguments: dict[str, Any] = {"path": "a.txt"}
    log.append(event(log, ToolStarted("read", "c1", arguments)))
    arguments["path"] = "changed later"
    await log.barrier()
    assert next(iter(journal.events(log.run))).body == ToolStarted("read", "c1", {"path": "a.txt"})
    await log.abandon()


async def test_an_event_must_follow_the_last_one(journal: Any) -> None:
    log = journal.begin(start())
    log.append(event(log))
    first = event(log)
    log.append(first)
    with pytest.raises(ValueError, match="does not follow"):
        log.append(first)
    await log.abandon()


async def test_contents_are_kept_by_their_digest(journal: Any) -> None:
    log = journal.begin(start())
    for data in (b"", b"small", b"x" * 100_000, bytes(range(256)) * 300):
        assert log.put(data) == digest_bytes(data)
        log.put(data)
        await log.barrier()
        assert journal.blob(digest_bytes(data)) == data
    with pytest.raises(StorageError) as caught:
        journal.blob("0" * 64)
    assert caught.value.code == "E-BLOB-MISSING"
    await log.abandon()


async def test_a_message_is_held_in_the_encoding_of_its_conversation(journal: Any) -> None:
    log = journal.begin(start())
    conversation = Conversation()
    digest = conversation.append(said("Grüße, <b>you</b>\n"))
    log.append(event(log, ModelCompleted(conversation.messages[0], Usage(), "stop", "fake:model", 0.1, 0.0, 1)))
    await log.barrier()
    assert journal.blob(digest) == conversation.encoded[0]
    await log.abandon()


async def test_a_request_is_rebuilt_from_what_each_added(journal: Any) -> None:
    log = journal.begin(start())
    conversation = Conversation([Message("system", "Be brief."), Message("user", "What is it?")])
    seqs, kept, previous = [], 0, None
    for turn in range(4):
        for data in conversation.encoded[kept:]:
            log.put(data)
        delta = RequestDelta(previous, kept, tuple(conversation.digests[kept:]), "a" * 64)
        log.append(event(log, ModelStarted("fake", "model", delta)))
        previous, kept = log.last_seq, len(conversation)
        seqs.append((previous, list(conversation.messages)))
        conversation.append(said(f"answer {turn}"))
        conversation.append(Message("user", f"and {turn}?"))
    shorter = RequestDelta(previous, 1, (), "a" * 64)
    log.append(event(log, ModelStarted("fake", "model", shorter)))
    seqs.append((log.last_seq, conversation.messages[:1]))
    await log.barrier()
    for seq, messages in seqs:
        assert journal.conversation(log.run, seq) == messages
    await log.abandon()


async def test_a_run_is_listed_as_it_began_and_as_it_ended(journal: Any) -> None:
    log = journal.begin(start())
    log.append(event(log, started()))
    await log.barrier()
    (row,) = journal.runs()
    assert (row.start, row.status, row.end) == (start(), "running", None)
    await log.end(end())
    (row,) = journal.runs()
    assert (row.status, row.end) == ("completed", end())


async def test_a_run_given_up_reads_as_interrupted_and_can_go_on(journal: Any) -> None:
    log = journal.begin(start())
    log.append(event(log, started()))
    await log.abandon()
    assert journal.find(log.run).status == "interrupted"
    again = journal.resume(log.run)
    assert again.last_seq == 1
    assert journal.find(log.run).status == "running"
    again.append(event(again, completed()))
    await again.end(end())
    assert journal.find(log.run).status == "completed"
    assert [item.seq for item in journal.events(log.run)] == [1, 2]


async def test_an_ended_run_can_be_taken_up_again(journal: Any) -> None:
    run = await whole_run(journal)
    again = journal.resume(run)
    again.append(event(again))
    await again.barrier()
    row = journal.find(run)
    assert (row.status, row.end) == ("running", None)
    await again.end(end(status="failed", exit_code=1))
    assert journal.find(run).status == "failed"


async def test_a_run_taken_up_and_let_go_is_as_it_was(journal: Any) -> None:
    run = await whole_run(journal)
    before = journal.find(run)
    again = journal.resume(run)
    with pytest.raises(StorageError):
        journal.resume(run)
    assert journal.find(run) == before
    await again.abandon()
    assert journal.find(run) == before
    await journal.resume(run).abandon()


@pytest.mark.parametrize("first", ["put", "append", "barrier", "end"])
async def test_the_first_thing_written_reopens_a_run(journal: Any, first: str) -> None:
    run = await whole_run(journal)
    again = journal.resume(run)
    if first == "put":
        again.put(b"content")
    elif first == "append":
        again.append(event(again))
    elif first == "barrier":
        await again.barrier()
    if first == "end":
        await again.end(end(status="failed", exit_code=1))
    else:
        await again.abandon()
    assert journal.find(run).status == ("failed" if first == "end" else "interrupted")


async def test_a_run_has_one_owner(journal: Any) -> None:
    log = journal.begin(start())
    await log.barrier()
    with pytest.raises(StorageError) as caught:
        journal.resume(log.run)
    assert caught.value.code == "E-RUN-OWNED"
    with pytest.raises(StorageError):
        journal.begin(start())
    await log.abandon()


async def test_a_closed_log_takes_nothing_more(journal: Any) -> None:
    log = journal.begin(start())
    await log.abandon()
    await log.abandon()
    for attempt in (lambda: log.append(event(log)), lambda: log.put(b"x")):
        with pytest.raises(StorageError):
            attempt()
    with pytest.raises(StorageError):
        await log.barrier()
    with pytest.raises(StorageError):
        await log.end(end())


async def test_a_run_is_tagged_while_it_runs_and_afterwards(journal: Any) -> None:
    log = journal.begin(start())
    await log.barrier()
    journal.tag("last", ["baseline", "ci/main:42"])
    journal.tag(log.run, ["baseline"])
    await log.end(end())
    journal.tag(log.run, [])
    assert journal.find("last").tags == ("baseline", "ci/main:42")
    assert [row.start.id for row in journal.runs(RunQuery(tag="baseline"))] == [log.run]
    journal.untag(log.run, ["baseline", "never"])
    assert journal.find("last").tags == ("ci/main:42",)
    assert journal.runs(RunQuery(tag="baseline")) == []


@pytest.mark.parametrize("tag", ["", "-x", "a b", "ä", "x" * 65, "a\n", "a,b"])
async def test_what_is_no_tag_is_refused(journal: Any, tag: str) -> None:
    run = await whole_run(journal)
    with pytest.raises(ValueError, match="not a tag"):
        journal.tag(run, ["good", tag])
    assert journal.find(run).tags == ()


async def test_only_a_run_that_is_there_is_tagged(journal: Any) -> None:
    with pytest.raises(UsageError):
        journal.tag("last", ["x"])
    with pytest.raises(UsageError):
        journal.untag("nothing", ["x"])


async def test_runs_are_listed_newest_first_and_children_only_when_asked_for(journal: Any) -> None:
    first = await whole_run(journal, 1)
    child = await whole_run(journal, 2, parent=first, relation="child", kind="row")
    fork = await whole_run(journal, 3, parent=first, relation="fork", cut=1, name="writer")

    def ids(**query: Any) -> list[str]:
        return [row.start.id for row in journal.runs(RunQuery(**query))]

    assert ids() == [fork, first]
    assert ids(children=True) == [fork, child, first]
    assert ids(parent=first) == [fork, child]
    assert ids(name="writer") == [fork]
    assert ids(kind="row", children=True) == [child]
    assert ids(model=start().model) == [fork, first]
    assert ids(model="none") == []
    assert ids(after=start(2).started, children=True) == [fork, child]
    assert ids(before=start(2).started) == [first]
    assert ids(status="completed", limit=1, offset=1) == [first]
    assert ids(status="running") == ids(status="interrupted") == ids(tag="none") == []
    assert ids(limit=None) == [fork, first]
    assert journal.find("last").start.id == fork
    assert journal.find("last~1").start.id == first
    assert journal.find("last").start.cut == 1


async def test_a_run_is_found_by_its_head_or_tail(journal: Any) -> None:
    runs = [await whole_run(journal, number) for number in (1, 2)]
    for ref in (runs[0], runs[0][-6:], runs[0][-6:].upper(), runs[0][:15]):
        assert journal.find(ref).start.id == runs[0]
    with pytest.raises(UsageError) as caught:
        journal.find(runs[0][:4])
    assert caught.value.code == "E-RUN-AMBIGUOUS"
    for ref in ("nothing", "last~2", "", "%"):
        with pytest.raises(UsageError) as caught:
            journal.find(ref)
        assert caught.value.code == "E-RUN-UNKNOWN"


@pytest.mark.parametrize("ref", ["last", "20261121-081532-k7f3qz"])
def test_an_empty_journal_lists_nothing_and_finds_nothing(journal: Any, ref: str) -> None:
    assert journal.runs() == []
    with pytest.raises(UsageError) as caught:
        journal.find(ref)
    assert caught.value.code == "E-RUN-UNKNOWN"
