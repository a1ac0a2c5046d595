"""A run that grows while somebody looks: what is on record advances each time its follower waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from agentcli.core.events import Body
from agentcli.core.runs import RunEnd
from agentcli.journal.store import SqliteJournal
from tests.fakes.recorded import event, start

Step = Callable[[], Awaitable[None]]


class Growing:
    """The first run of a journal, in a process of its own as far as locks go. Calling it takes the next step."""

    def __init__(self, folder: Path, *bodies: Body) -> None:
        self.journal = SqliteJournal(folder)
        self.log = self.journal.begin(start())
        self.steps: list[Step] = []
        self._runner = asyncio.Runner()
        self._runner.run(self._add(bodies))

    def __enter__(self) -> Growing:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._runner.run(self.log.abandon())
        self._runner.close()
        self.journal.close()

    def __call__(self) -> None:
        self._runner.run(self.steps.pop(0)())

    def do(self, work: Awaitable[None]) -> None:
        """Something else, on the loop of this run."""

        async def done() -> None:
            await work

        self._runner.run(done())

    def then(self, *bodies: Body) -> Growing:
        """At the next wait, these are added."""
        self.steps.append(lambda: self._add(bodies))
        return self

    def then_ends(self, ending: RunEnd, *bodies: Body) -> Growing:
        """At the next wait, these are added and the run ends."""

        async def finish() -> None:
            await self._add(bodies)
            await self.log.end(ending)

        self.steps.append(finish)
        return self

    def then_dies(self) -> Growing:
        """At the next wait, its owner is gone."""
        self.steps.append(self.log.abandon)
        return self

    async def _add(self, bodies: tuple[Body, ...]) -> None:
        for body in bodies:
            self.log.append(event(self.log, body))
        await self.log.barrier()
