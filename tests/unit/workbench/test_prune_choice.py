"""Which runs go, and why the others stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from agentcli.core.runs import Relation, RunRow, RunStatus
from agentcli.workbench.prune_choice import Choice, Chooser, Kept, PruneRequest
from tests.fakes.recorded import NOW, end, start

DAY = 86_400.0


def row(
    name: str,
    *,
    parent: str | None = None,
    relation: Relation | None = None,
    status: RunStatus = "completed",
    tags: tuple[str, ...] = (),
    days: float = 0,
) -> RunRow:
    """A run that began so many days ago, and took no time."""
    when = NOW - days * DAY
    begun = replace(start(1), id=name, parent=parent, relation=relation or ("fork" if parent else None), started=when)
    ended = None if status in ("running", "interrupted") else end(status=status, ended=when)
    return RunRow(begun, status, ended, tags)


def none_fit(staying: Iterable[str], groups: Iterable[Iterable[str]]) -> int:
    raise AssertionError("no size was asked for")


def choose(rows: list[RunRow], *named: str, fits: Any = none_fit, **request: Any) -> Choice:
    """The newest run first, as a journal gives them."""
    return Chooser(rows, PruneRequest(runs=named, **request), frozenset(named)).choose(fits)


def going(choice: Choice) -> str:
    return " ".join(row.start.id for row in choice.going)


PLAIN = [row("d", days=1), row("c", days=2, status="failed"), row("b", days=3), row("a", days=4, status="failed")]


@pytest.mark.parametrize(
    ("request_", "gone"),
    [
        ({"before": NOW - 2.5 * DAY}, "b a"),
        ({"keep": 1}, "c b a"),
        ({"keep": 0}, "d c b a"),
        ({"keep": 9}, ""),
        ({"status": "failed"}, "c a"),
        ({"status": "failed", "keep": 1}, "a"),
        ({"status": "failed", "before": NOW - 3.5 * DAY}, "a"),
        ({"before": NOW - 1.5 * DAY, "keep": 3}, "a"),
        ({"tags": ("ci",)}, ""),
    ],
)
def test_a_run_goes_where_all_that_is_said_is_true_of_it(request_: dict[str, Any], gone: str) -> None:
    assert going(choose(PLAIN, **request_)) == gone


def test_the_runs_that_are_named_go() -> None:
    assert going(choose(PLAIN, "d", "a")) == "d a"
    assert going(choose(PLAIN, "d", "a", keep=1)) == "a"


def test_a_running_run_stays_whatever_is_said() -> None:
    choice = choose([row("b", status="running"), row("a")], "b", "a")
    assert (going(choice), choice.kept) == ("a", (Kept("b", "running"),))


def test_a_tagged_run_goes_only_by_a_tag_of_its() -> None:
    rows = [row("c", tags=("ci", "release")), row("b", tags=("ci",)), row("a", tags=("mine",))]
    assert going(choose(rows, keep=0)) == ""
    assert choose(rows, "a").kept == (Kept("a", "tagged", ("mine",)),)
    assert going(choose(rows, tags=("ci",))) == "c b"
    assert going(choose(rows, tags=("ci", "mine"), keep_tags=("release",))) == "b a"


@pytest.mark.parametrize(
    ("request_", "goes"),
    [
        ({"keep": 0}, False),
        ({"tags": ("t",)}, False),
        ({"before": NOW}, True),
        ({"status": "interrupted"}, True),
        ({"keep": 0, "status": "interrupted"}, True),
    ],
)
def test_an_interrupted_run_goes_where_it_is_meant(request_: dict[str, Any], goes: bool) -> None:
    choice = choose([row("a", status="interrupted", tags=("t",), days=1)], **{"tags": ("t",), **request_})
    assert (going(choice), choice.kept) == (("a", ()) if goes else ("", (Kept("a", "interrupted"),)))
    assert going(choose([row("a", status="interrupted")], "a")) == "a"


def test_what_a_run_that_stays_comes_from_stays() -> None:
    line = [row("c", parent="b", relation="session"), row("b", parent="a"), row("a"), row("x")]
    choice = choose(line, keep=1)
    assert (going(choice), set(choice.kept)) == ("x", {Kept("b", "needed", ("c",)), Kept("a", "needed", ("b",))})
    assert going(choose(line, keep=0)) == "c b a x"
    tagged = [line[0], row("b", parent="a", tags=("t",)), *line[2:]]
    assert set(choose(tagged, keep=0).kept) == {Kept("b", "tagged", ("t",)), Kept("a", "needed", ("b",))}


def test_whatever_comes_from_another_run_goes_before_it_whatever_the_clock_said() -> None:
    rows = [row("a", days=0), row("c", parent="b", days=1), row("b", parent="a", days=2)]
    assert going(choose(rows, keep=0)) == "c b a"


def test_children_go_with_their_parent_or_not_at_all() -> None:
    def family(**changes: Any) -> list[RunRow]:
        child = row("child", parent="top", relation="child", **changes)
        return [row("grandchild", parent="child", relation="child"), child, row("top", days=5)]

    assert going(choose(family(), keep=0)) == "grandchild child top"
    assert choose(family(status="running"), keep=0).kept == (Kept("top", "running"),)
    assert choose(family(tags=("t",)), keep=0).kept == (Kept("top", "tagged", ("t",)),)
    assert going(choose(family(), before=NOW - DAY)) == "", "its last sign of life is that of its children"
    assert choose(family(), "child").kept == (Kept("child", "part", ("top",)),)
    assert going(choose(family(), "child", "top")) == "grandchild child top"
    forked = [row("fork", parent="child"), *family()]
    assert choose(forked, "top").kept == (Kept("top", "needed", ("fork",)),)


def test_a_child_whose_parent_is_not_there_stands_for_itself() -> None:
    assert going(choose([row("child", parent="gone", relation="child")], keep=0)) == "child"


def test_a_record_that_was_made_up_ends_nothing() -> None:
    """A journal may be somebody else's: runs that come from each other."""
    circle = [row("a", parent="b"), row("b", parent="a")]
    assert sorted(going(choose(circle, keep=0)).split()) == ["a", "b"]
    assert going(choose(circle, keep=1)) == ""
    children = [row("a", parent="b", relation="child"), row("b", parent="a", relation="child")]
    assert sorted(going(choose(children, keep=0)).split()) == ["a", "b"]


def sized(most: int, **sizes: int) -> Any:
    def fits(staying: Iterable[str], groups: Iterable[Iterable[str]]) -> int:
        total, count = sum(sizes.get(run, 0) for run in staying), 0
        for group in groups:
            total += sum(sizes.get(run, 0) for run in group)
            if total > most:
                break
            count += 1
        return count

    return fits


@pytest.mark.parametrize(("most", "gone"), [(100, ""), (35, "a"), (30, "a"), (25, "b a"), (0, "d c b a")])
def test_the_oldest_go_until_the_rest_fits(most: int, gone: str) -> None:
    assert going(choose(PLAIN, max_size=most, fits=sized(most, a=10, b=10, c=10, d=10))) == gone


def test_what_stays_anyway_counts_and_a_fork_brings_its_parent() -> None:
    rows = [row("d", tags=("t",)), row("c", parent="a"), row("b"), row("a"), row("x")]
    sizes = {"a": 10, "b": 10, "c": 10, "d": 10, "x": 10}
    assert going(choose(rows, max_size=30, fits=sized(30, **sizes))) == "b x"
    assert going(choose(rows, max_size=29, fits=sized(29, **sizes))) == "c b a x"
    assert going(choose(rows, max_size=40, fits=sized(40, **sizes))) == "x"


def test_nothing_is_said_where_nothing_is_chosen() -> None:
    assert not PruneRequest().says_what
    assert not PruneRequest(keep_tags=("t",), workspaces=True).says_what
    assert all(PruneRequest(**one).says_what for one in ({"keep": 0}, {"runs": ("a",)}, {"max_size": 0}, {"before": 0}))


def test_a_long_line_of_runs_is_no_trouble() -> None:
    count = 3_000
    rows = [row(f"r{at}", parent=f"r{at - 1}" if at else None, relation="session") for at in reversed(range(count))]
    assert len(choose(rows, keep=0).going) == count
    assert going(choose(rows, keep=1)) == ""
