"""Following a run: everything once, in order, to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.core.events import TurnStarted
from agentcli.core.runs import RunStart
from agentcli.errors import UsageError
from agentcli.workbench.follow_run import Following
from agentcli.workbench.wiring import Workbench
from tests.fakes.counted import opened
from tests.fakes.growing import Growing
from tests.fakes.recorded import NOW, completed, end, started


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


def test_each_look_gives_what_was_added_until_the_run_has_ended(bench: Workbench) -> None:
    with Growing(bench.journal_folder, started(), TurnStarted()) as run:
        run.then(TurnStarted()).then().then_ends(end(), TurnStarted(), completed())
        following = Following(bench)
        seen = [[event.seq for event in events] for events in following.looks(run)]
        assert seen == [[1, 2], [3], [], [4, 5]]
        assert (following.row.status, run.steps) == ("completed", [])


def test_a_run_whose_owner_died_is_at_its_end(bench: Workbench) -> None:
    with Growing(bench.journal_folder, started()) as run:
        run.then_dies()
        following = Following(bench)
        assert [[event.seq for event in events] for events in following.looks(run)] == [[1], []]
        assert (following.row.status, following.row.end) == ("interrupted", None)


def test_a_run_that_has_ended_is_looked_at_once(bench: Workbench) -> None:
    with Growing(bench.journal_folder, started()) as run:
        run.then_ends(end(), completed())
        run()
        following = Following(bench, "last")
        assert [len(list(events)) for events in following.looks(run)] == [2]


def test_without_a_name_it_is_the_newest_that_is_running(bench: Workbench) -> None:
    with Growing(bench.journal_folder, started()) as run:
        later = RunStart("later", "agent", "reader", "?", None, "0" * 64, NOW + 9_000)
        log = run.journal.begin(later)
        run.do(log.barrier())
        assert Following(bench).row.start.id == "later"
        run.do(log.abandon())
        assert Following(bench).row.start.id == run.log.run
        run.then_dies()
        run()
        assert Following(bench).row.start.id == "later"


def test_nothing_is_there_to_follow(bench: Workbench) -> None:
    with pytest.raises(UsageError) as caught:
        Following(bench)
    assert caught.value.code == "E-RUN-UNKNOWN"
