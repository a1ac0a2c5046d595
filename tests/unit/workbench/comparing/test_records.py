"""Where two runs come from, what they came to, and what is not held of them any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentcli.core.events import RunForked, RunResumed, Warned, read_body
from agentcli.errors import ErrorInfo, StorageError
from agentcli.workbench.comparing.comparison import Comparison
from agentcli.workbench.comparing.records import read_run
from tests.fakes.compared import Told, comparison, simple
from tests.fakes.journal import InMemoryJournal


def states(found: Comparison) -> list[str]:
    return [step.state for step in found.steps]


# -- where they came from ---------------------------------------------------------------------------------------


def forked(journal: InMemoryJournal, number: int, parent: Told, **changes: Any) -> Told:
    told = Told(journal, number, row={"parent": parent.id, "relation": "fork", "cut": 4})
    told.add(RunForked(parent.id, 4, told.manifest, changes))
    return told


async def test_a_fork_says_what_it_was_told_to_do_otherwise() -> None:
    journal = InMemoryJournal()
    a = await simple(journal, 1)
    found = comparison(a, forked(journal, 2, a, models=["fake:large"]))
    assert found.lineage is not None
    assert found.lineage.to_json() == {
        "common": a.id,
        "a": [],
        "b": [
            {
                "run": found.b.id,
                "parent": a.id,
                "relation": "fork",
                "cut": 4,
                "changes": {"models": ["fake:large"]},
            }
        ],
    }


async def test_two_forks_of_one_run_have_it_in_common() -> None:
    journal = InMemoryJournal()
    root = await simple(journal, 1)
    a, b = forked(journal, 2, root, prompt="x"), forked(journal, 3, root)
    lineage = comparison(a, b).lineage
    assert lineage is not None
    assert (lineage.common, [one.run for one in lineage.a], [one.run for one in lineage.b]) == (root.id, [a.id], [b.id])


async def test_a_fork_of_a_fork_comes_from_the_first() -> None:
    journal = InMemoryJournal()
    root = await simple(journal, 1)
    child = forked(journal, 2, root)
    lineage = comparison(root, forked(journal, 3, child)).lineage
    assert lineage is not None
    assert [one.parent for one in lineage.b] == [child.id, root.id]


async def test_a_parent_that_is_gone_ends_the_line() -> None:
    journal = InMemoryJournal()
    root = await simple(journal, 1)
    child = forked(journal, 2, root)
    other = forked(journal, 3, root)
    del journal.logs[root.id]
    lineage = comparison(child, other).lineage
    assert lineage is not None
    assert lineage.common == root.id


async def test_a_run_beside_itself() -> None:
    a = await simple(InMemoryJournal(), 1)
    found = comparison(a, a)
    assert not found.differs
    assert found.lineage is not None
    assert (found.lineage.a, found.lineage.b) == ((), ())


async def test_a_manifest_of_a_later_era_counts() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    later = Told(journal, 3, limits={"turns": 40, "tokens": None})
    b.add(RunResumed(later.manifest, {"limits": {"turns": 40}}))
    found = comparison(a, b)
    assert [one.name for one in found.cause] == ["turns"]
    assert found.b.to_json()["resumed"] == [{"seq": 2, "changes": {"limits": {"turns": 40}}}]


async def test_of_what_an_era_changed_only_the_news_are_told() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    b.add(
        RunResumed(b.manifest, {"limits": {"turns": 40, "tokens": None}, "models": ["fake:model"], "files": "current"})
    )
    b.add(read_body("run.reopened", {"changes": 7}))
    assert comparison(a, b).b.to_json()["resumed"] == [
        {"seq": 2, "changes": {"limits": {"turns": 40}, "files": "current"}},
        {"seq": 3, "changes": {}},
    ]


# -- what it came to --------------------------------------------------------------------------------------------


async def test_figures_have_deltas() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), Told(journal, 2)
    for name in ("a", "b", "c"):
        b.looks("read_lines", "x", path=name)
    found = comparison(a, await b.ends("It is 9090.", cost_usd=0.75, duration_s=30.0)).totals
    figures = found.to_json()
    assert figures["turns"] == {"a": 2, "b": 3, "delta": 1, "percent": 50.0}
    assert figures["tool_calls"] == {"a": 1, "b": 3, "delta": 2, "percent": 200.0}
    assert figures["tokens"] == {"a": 220, "b": 330, "delta": 110, "percent": 50.0}
    assert figures["cost_usd"] == {"a": 0.5, "b": 0.75, "delta": 0.25, "percent": 50.0}
    assert figures["duration_s"]["b"] == 30.0
    assert [one.aspect for one in found.differences] == ["output"]


async def test_the_time_is_told_and_makes_no_difference() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    found = comparison(await a.ends("x", duration_s=1.0), await b.ends("x", duration_s=2.0))
    assert not found.differs
    assert found.totals.figures[-1].percent == 100.0


async def test_a_run_without_an_end_is_summed_up_so_far() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    for told, cost in ((a, 0.25), (b, None)):
        told.turn_of("x", cost_usd=cost)
    figures = comparison(a, b).totals.to_json()
    assert figures["tokens"] == {"a": 110, "b": 110, "delta": 0, "percent": 0.0}
    assert figures["cost_usd"] == {"a": 0.25, "b": None, "delta": None, "percent": None}
    assert figures["duration_s"]["a"] == 3.0


async def test_an_error_is_compared_by_its_fields() -> None:
    journal = InMemoryJournal()
    a, b = Told(journal, 1), Told(journal, 2)
    await a.ends(error=ErrorInfo("E-ONE", "One."), status="failed", exit_code=1)
    await b.ends(error=ErrorInfo("E-TWO", "One."), status="failed", exit_code=1)
    assert [(one.aspect, one.name) for one in comparison(a, b).totals.differences] == [("error", "code")]


# -- what is not held any more ----------------------------------------------------------------------------------


async def test_without_a_manifest_the_rest_is_compared() -> None:
    journal = InMemoryJournal()
    a, b = await simple(journal, 1), await simple(journal, 2, "It is 9090.", task="x")
    del journal.blobs[b.manifest]
    found = comparison(a, b)
    assert found.missing == (f"The manifest of {b.id} cannot be read: what went into it is not compared.",)
    assert (found.cause, states(found)[-1]) == ((), "changed")
    journal.blobs[b.manifest] = b"not json"
    assert comparison(a, b).missing == found.missing


class Damaged(InMemoryJournal):
    """Some events cannot be read."""

    bad: Callable[[int], bool]

    def events(self, run: str, after: int = 0) -> Any:
        for event in self._events(run, after):
            if self.bad(event.seq):
                raise StorageError("E-BLOB-MISSING", "The journal does not hold it.")
            yield event


async def test_events_that_cannot_be_read_are_named_and_passed_over() -> None:
    journal = Damaged()
    journal.bad = lambda seq: seq == 6
    told = await simple(journal, 1)
    record = read_run(journal, journal.find(told.id))
    assert record.missing == (f"Event 6 of {told.id} cannot be read: The journal does not hold it.",)
    assert [event.seq for event in record.events] == [1, 2, 3, 4, 5, 7, 8, 9, 10]


async def test_a_run_of_which_nothing_can_be_read_is_given_up() -> None:
    journal = Damaged()
    journal.bad = lambda seq: True
    told = await simple(journal, 1)
    for _ in range(20):
        told.log.owned = True
        told.add(Warned("W-X", "x", "y"))
    told.log.owned = False
    record = read_run(journal, journal.find(told.id))
    assert (record.events, len(record.missing)) == ([], 20)
    assert comparison(told, told).totals.figures[-1].a == 9.0  # what its row says
