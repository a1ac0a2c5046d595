"""Follow a run that some process is writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agentcli.core.events import Event
from agentcli.core.runs import RunQuery, RunRow
from agentcli.workbench.wiring import Workbench

Wait = Callable[[], object]
"""Returns when it is time to look again."""


class Following:
    """One run and how far it has been seen. Without a reference: the newest that is running, else the last.

    Raises UsageError E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; StorageError, as its methods do.
    """

    def __init__(self, bench: Workbench, ref: str | None = None) -> None:
        self._journal = bench.journal
        self._seen = 0
        self.row: RunRow = self._newest_running() if ref is None else bench.journal.find(ref)
        """The run as it was at the last look: once there are no more looks, how it ended."""

    def looks(self, wait: Wait) -> Iterator[Iterator[Event]]:
        """What is on record, then what has been added each time that `wait` returned, until nobody writes the run.

        Each look is to be read to its end before the next.
        """
        # The journal is looked at again and again: that its owner died is told by a lock that got free, which is the
        # event of no file, and a look costs two searches of an index. Watching files would save none of that.
        while True:
            # The state before the events: whatever was written until then is among them.
            self.row = self._journal.find(self.row.start.id)
            yield self._new()
            if self.row.status != "running":
                return
            wait()

    def _new(self) -> Iterator[Event]:
        for event in self._journal.events(self.row.start.id, self._seen):
            self._seen = event.seq
            yield event

    def _newest_running(self) -> RunRow:
        running = self._journal.runs(RunQuery(status="running", limit=1))
        return running[0] if running else self._journal.find("last")
