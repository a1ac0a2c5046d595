"""A process that records runs and says on stdout what is safe: killed, it must have told the truth.

`python -m tests.fakes.writing_process FOLDER NUMBER EVENTS`: appends events with a barrier after every few of them.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from agentcli.core.events import ToolCompleted
from agentcli.errors import StorageError
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import begun
from tests.fakes.recorded import completed, end, event


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def record(folder: Path, number: int, events: int) -> None:
    journal = SqliteJournal(folder)
    log = begun(journal, number)
    for turn in range(events):
        size = 70_000 if turn % 50 == 7 else 40 * (turn % 20)
        log.append(event(log, ToolCompleted("t", f"c{turn}", "ok", f"{number}-{turn} " + "x" * size, None, 0.1)))
        if turn % 3 == 2:
            await log.barrier()
            say(log.last_seq)
    log.append(event(log, completed()))
    await log.end(end())
    say("ended")
    journal.close()


if __name__ == "__main__":
    try:
        asyncio.run(record(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
    except StorageError as error:
        say(error.code)
        sys.exit(1)
