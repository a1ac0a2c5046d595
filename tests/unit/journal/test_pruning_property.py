"""Whatever was recorded and whatever is pruned: what is left reads as before, and nothing else is left."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import code_of, opened
from tests.fakes.pruned import all_rows, ask, begun_with, change, forked, large, leftovers, planned, reading
from tests.fakes.recorded import completed, end, event, start

POOL = [b"", b"tiny", *(b"shared words %d " % seed * 60 for seed in range(4)), b"middle " * 9_000, large(1), large(2)]

contents = st.integers(0, len(POOL) - 1)
steps = st.lists(st.tuples(contents, contents, st.booleans()), max_size=4)
runs = st.fixed_dictionaries(
    {
        "steps": steps,
        "history": st.lists(contents, max_size=2),
        "long": st.booleans(),
        "fork": st.none() | st.integers(0, 9),
        "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "ends": st.booleans(),
        "closes": st.booleans(),
        "goes": st.booleans(),
    }
)


async def record(journal: SqliteJournal, number: int, spec: dict[str, Any], earlier: list[str]) -> str:
    if spec["fork"] is not None and earlier:
        parent = earlier[spec["fork"] % len(earlier)]
        return await forked(journal, number, parent, spec["fork"] % (1 + len(list(journal.events(parent)))))
    history = [POOL[at] for at in spec["history"]]
    log = begun_with(journal, number, planned(*history))
    for message in history:
        log.put(message)
    for message, file, again in spec["steps"] * (12 if spec["long"] else 1):
        ask(log, POOL[message], b'{"c":"%s"}' % POOL[message])
        change(log, f"result {message} " * 30, POOL[message] if again else None, POOL[file])
    if spec["ends"]:
        log.append(event(log, completed()))
        await log.end(end())
    else:
        await log.abandon()
    return log.run


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(runs, min_size=1, max_size=8))
def test_kept_runs_read_as_before_and_nothing_else_is_left(specs: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        made = recorded(folder, specs)
        gone = [run for run, spec in zip(made, specs, strict=True) if spec["goes"]]
        with opened(folder) as journal:
            before = reading(journal, made)
            done = journal.pruner().prune([row for row in all_rows(journal) if row.start.id in gone])
            # Newest first, and a fork is newer than its parent: what stays is a parent of what stays.
            assert {*done.runs, *done.kept} == set(gone)
            left = [run for run in made if run not in done.runs]
            assert [row.start.id for row in reversed(all_rows(journal))] == left
            assert {before[run][0].start.parent for run in left} - {None} <= set(left)
            assert reading(journal, left) == {run: before[run] for run in left}
            assert {code_of(lambda run=run: journal.find(run)) for run in done.runs} <= {"E-RUN-UNKNOWN"}
            assert leftovers(folder, journal) == []
        with opened(folder) as journal:
            assert reading(journal, left) == {run: before[run] for run in left}


def recorded(folder: Path, specs: list[dict[str, Any]]) -> list[str]:
    """The runs that were recorded, in journals of several processes: each makes its runs small when it ends."""
    made: list[str] = []
    journal = SqliteJournal(folder)
    for number, spec in enumerate(specs, 1):
        made.append(asyncio.run(record(journal, number, spec, made)))
        if spec["tags"]:
            journal.tag(made[-1], spec["tags"])
        if spec["closes"]:
            journal.close()
            journal = SqliteJournal(folder)
    journal.close()
    assert made[0] == start(1).id
    return made
