"""The log of a row's run, which puts nothing that those beside it have put: prompts and settings are much the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.core.events import Event
from agentcli.core.runs import RunEnd

if TYPE_CHECKING:
    from agentcli.journal.run_log import SqliteRunLog

MOST: Final = 256
"""So many contents are known, those that were last met."""


class Known:
    """Contents that are safe on disk, and stay: the children of a run that is at work are not pruned."""

    def __init__(self) -> None:
        self._digests: OrderedDict[Digest, None] = OrderedDict()

    def __contains__(self, digest: Digest) -> bool:
        found = digest in self._digests
        if found:
            self._digests.move_to_end(digest)
        return found

    def add(self, digests: Iterable[Digest]) -> None:
        """These are safe now."""
        for digest in digests:
            self._digests[digest] = None
        while len(self._digests) > MOST:
            self._digests.popitem(last=False)


class SiblingLog:
    """See `RunLog`."""

    def __init__(self, log: SqliteRunLog, known: Known) -> None:
        self._log = log
        self._known = known
        self._put: list[Digest] = []

    def put(self, data: bytes) -> Digest:
        """See `RunLog`."""
        digest = digest_bytes(data)
        if digest not in self._known:
            self._log.put(data)
            self._put.append(digest)
        return digest

    def append(self, event: Event) -> None:
        """See `RunLog`."""
        self._log.append(event)

    async def barrier(self) -> None:
        """See `RunLog`."""
        await self._log.barrier()

    async def end(self, end: RunEnd) -> None:
        """See `RunLog`."""
        await self._log.end(end)
        self._known.add(self._put)

    async def abandon(self) -> None:
        """See `RunLog`."""
        await self._log.abandon()
