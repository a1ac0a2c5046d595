"""A journal in memory, for tests of what records into one. The contract suite runs on it and on the real one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from agentcli.core.canonical import Digest, Json, decode, digest_bytes, encode
from agentcli.core.events import Event, ModelStarted, read_body
from agentcli.core.messages import Message
from agentcli.core.runs import RunEnd, RunQuery, RunRow, RunStart, RunStatus
from agentcli.errors import StorageError, UsageError
from agentcli.journal.foreign import checked_tags


@dataclass(slots=True)
class MemoryRunLog:
    """The log of one run. `fails` is raised by everything that comes after it was set, as a full disk would."""

    journal: InMemoryJournal
    start: RunStart
    records: list[tuple[Event, str, bytes]] = field(default_factory=list)
    finish: RunEnd | None = None
    tags: set[str] = field(default_factory=set)
    owned: bool = True
    barriers: int = 0
    safe: int = 0
    """How many events are behind the last barrier: a kill keeps these."""
    fails: StorageError | None = None
    lazy: bool = False
    """Taken up again, and nothing written since: the end still stands."""

    @property
    def run(self) -> str:
        return self.start.id

    @property
    def last_seq(self) -> int:
        return self.records[-1][0].seq if self.records else 0

    @property
    def events(self) -> list[Event]:
        return self.journal.events(self.run)

    def put(self, data: bytes) -> Digest:
        self._write()
        digest = digest_bytes(data)
        self.journal.blobs[digest] = data
        return digest

    def append(self, event: Event) -> None:
        self._check()
        if event.run != self.run or event.seq != self.last_seq + 1:
            raise ValueError(f"event {event.seq} of run {event.run} does not follow {self.last_seq} of {self.run}")
        self._write()
        body = {name: self._kept(event, name, value) for name, value in event.body.to_json().items()}
        self.records.append((event, event.body.type, encode(body)))

    def _kept(self, event: Event, name: str, value: Json) -> Json:
        if name in event.body.LARGE:
            self.put(encode(value))
        return value

    async def barrier(self) -> None:
        self._write()
        self.barriers += 1
        self.safe = len(self.records)

    async def end(self, end: RunEnd) -> None:
        try:
            await self.barrier()
            self.finish = end
        finally:
            self.owned = False

    async def abandon(self) -> None:
        self.owned = False

    def _write(self) -> None:
        self._check()
        if self.lazy:
            self.lazy, self.finish = False, None

    def _check(self) -> None:
        if self.fails:
            raise self.fails
        if not self.owned:
            raise StorageError("E-JOURNAL-CLOSED", f"The log of run {self.run} is closed.")


class InMemoryJournal:
    """Runs by id, oldest first."""

    def __init__(self) -> None:
        self.logs: dict[str, MemoryRunLog] = {}
        self.blobs: dict[Digest, bytes] = {}

    # -- writing

    def begin(self, start: RunStart) -> MemoryRunLog:
        if start.id in self.logs:
            raise StorageError("E-RUN-OWNED", f"Run {start.id} is already there.")
        log = MemoryRunLog(self, start)
        self.logs[start.id] = log
        return log

    def resume(self, run: str) -> MemoryRunLog:
        log = self._log(run)
        if log.owned:
            raise StorageError("E-RUN-OWNED", f"Run {run} is being written by another process.")
        log.owned, log.lazy, log.fails = True, True, None
        return log

    def tag(self, run: str, tags: Iterable[str]) -> None:
        self._log(self.find(run).start.id).tags.update(checked_tags(tags))

    def untag(self, run: str, tags: Iterable[str]) -> None:
        self._log(self.find(run).start.id).tags.difference_update(tags)

    def import_run(
        self,
        start: RunStart,
        events: Iterable[Event],
        end: RunEnd | None,
        contents: Iterable[bytes] = (),
        tags: Iterable[str] = (),
    ) -> bool:
        made = MemoryRunLog(InMemoryJournal(), start, finish=end, owned=True, tags=set(checked_tags(tags)))
        for event in events:
            made.append(event)
        for data in contents:
            made.put(data)
        made.owned = False
        if (here := self.logs.get(start.id)) is not None:
            if here.owned:
                raise StorageError("E-RUN-OWNED", f"Run {start.id} is being written.")
            if (here.start, here.records, here.finish) != (start, made.records, end):
                raise StorageError("E-RUN-EXISTS", f"Another run {start.id} is already there.")
            return False
        self.blobs.update(made.journal.blobs)
        made.journal = self
        self.logs[start.id] = made
        return True

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        for log in self.logs.values():
            log.owned = False

    # -- reading

    def runs(self, query: RunQuery | None = None) -> list[RunRow]:
        query = query or RunQuery()
        rows = [row for row in self._newest() if self._wanted(row, query)]
        end = None if query.limit is None else query.offset + query.limit
        return rows[query.offset : end]

    def find(self, ref: str) -> RunRow:
        rows = self._newest()
        if ref == "last" or ref.startswith("last~"):
            top = [row for row in rows if row.start.relation != "child"]
            index = int(ref[5:] or 1) if "~" in ref else 0
            found = top[index : index + 1]
        else:
            ref = ref.lower() or "nothing"
            exact = [row for row in rows if row.start.id == ref]
            found = exact or [row for row in rows if row.start.id.startswith(ref) or row.start.id.endswith(ref)]
        if not found:
            raise UsageError("E-RUN-UNKNOWN", f"There is no run `{ref}`.")
        if len(found) > 1:
            raise UsageError("E-RUN-AMBIGUOUS", f"`{ref}` names {len(found)} runs.")
        return found[0]

    def events(self, run: str, after: int = 0) -> list[Event]:
        return list(self._events(run, after))

    def blob(self, digest: Digest) -> bytes:
        if digest not in self.blobs:
            raise StorageError("E-BLOB-MISSING", f"The journal does not hold {digest}.")
        return self.blobs[digest]

    def conversation(self, run: str, seq: int) -> list[Message]:
        started = {event.seq: event.body for event in self._events(run, 0) if isinstance(event.body, ModelStarted)}
        return [Message.from_json(decode(self.blob(digest))) for digest in self._digests(started, seq)]

    def _digests(self, started: dict[int, ModelStarted], seq: int) -> list[Digest]:
        delta = started[seq].request
        before = [] if delta.previous is None else self._digests(started, delta.previous)
        return before[: delta.kept] + list(delta.added)

    def _events(self, run: str, after: int) -> Iterator[Event]:
        for event, kind, body in self._log(run).records:
            if event.seq > after:
                yield replace(event, body=read_body(kind, decode(body)))

    def _log(self, run: str) -> MemoryRunLog:
        if run not in self.logs:
            raise UsageError("E-RUN-UNKNOWN", f"There is no run `{run}`.")
        return self.logs[run]

    def _newest(self) -> list[RunRow]:
        rows = [RunRow(log.start, _status(log), log.finish, tuple(sorted(log.tags))) for log in self.logs.values()]
        rows.reverse()
        return sorted(rows, key=lambda row: -row.start.started)

    def _wanted(self, row: RunRow, query: RunQuery) -> bool:
        start = row.start
        return (
            (query.children or query.parent is not None or start.relation != "child")
            and (query.tag is None or query.tag in row.tags)
            and query.status in (None, row.status)
            and query.name in (None, start.name)
            and query.kind in (None, start.kind)
            and query.model in (None, start.model)
            and query.parent in (None, start.parent)
            and (query.after is None or start.started >= query.after)
            and (query.before is None or start.started < query.before)
        )


def _status(log: MemoryRunLog) -> RunStatus:
    if log.finish is not None:
        return log.finish.status
    return "running" if log.owned else "interrupted"
