"""A process that prunes all runs but the newest ones, and may be killed at any moment.

`python -m tests.fakes.pruning_process FOLDER KEEP SECONDS [nobody]`: after so many seconds the system kills it; 0 is
never. Started by root, it gives its rights up for `nobody`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from agentcli.errors import StorageError
from agentcli.journal import pruning
from agentcli.journal.store import SqliteJournal
from tests.fakes.pruned import all_rows

NOBODY = 65_534

assert pruning, "what is imported later may not be read by everybody"


def prune(folder: Path, keep: int, seconds: float) -> int:
    """How many runs have gone."""
    journal = SqliteJournal(folder)
    rows, pruner = all_rows(journal)[keep:], journal.pruner()
    # Nobody handles the signal: the process ends on the spot.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    done = pruner.prune(rows)
    signal.setitimer(signal.ITIMER_REAL, 0)
    journal.close()
    return len(done.runs)


if __name__ == "__main__":
    if sys.argv[4:] == ["nobody"] and os.geteuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)
    try:
        sys.stdout.write(f"{prune(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))}\n")
    except StorageError as error:
        sys.stdout.write(f"{error.code}\n")
        sys.exit(1)
