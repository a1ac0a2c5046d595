"""A process that records many runs which share contents with those of other processes, some of them forks.

`python -m tests.fakes.sharing_process FOLDER FIRST COUNT`: says `ended` in the end, or the code of an error.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from agentcli.errors import AgentcliError
from agentcli.journal.store import SqliteJournal
from tests.fakes.pruned import ask, begun_with, change, forked, large, planned
from tests.fakes.recorded import completed, end, event

POOL = [*(b"shared %d " % seed * 40 for seed in range(6)), *(large(seed) for seed in range(3))]
GONE = ("E-RUN-GONE", "E-RUN-UNKNOWN", "E-BLOB-MISSING")


async def record(folder: Path, first: int, count: int) -> None:
    journal, dice, last = SqliteJournal(folder), random.Random(first), ""
    for number in range(first, first + count):
        if last and dice.random() < 0.3:
            try:
                await forked(journal, number, last, dice.randrange(1, 4))
            except AgentcliError as error:  # its parent was pruned meanwhile
                if error.code not in GONE:
                    raise
            continue
        log = begun_with(journal, number, planned(POOL[0]))
        log.put(POOL[0])
        for _ in range(dice.randrange(1, 5)):
            ask(log, *dice.sample(POOL, 2))
            log.put(early := dice.choice(POOL))
            if dice.random() < 0.5:
                await log.barrier()
            change(log, f"result {dice.randrange(5)} " * 20, None, early)
        log.append(event(log, completed()))
        await log.end(end())
        last = log.run
    journal.close()


if __name__ == "__main__":
    try:
        asyncio.run(record(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
        sys.stdout.write("ended\n")
    except AgentcliError as error:
        sys.stdout.write(f"{error.code} {error.info}\n")
        sys.exit(1)
