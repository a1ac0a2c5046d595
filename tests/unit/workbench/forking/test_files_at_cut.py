"""What the record tells of files at a cut."""

from __future__ import annotations

import pytest

from agentcli.core.canonical import digest_bytes
from agentcli.core.events import Event, ToolCompleted, TurnStarted
from agentcli.core.tools import FileTouch
from agentcli.errors import UsageError
from agentcli.workbench.files_at_cut import FilesAtCut, files_at
from tests.fakes.engine import RUN
from tests.fakes.touched import changed, read, touched

ONE, TWO, THREE = b"one", b"two", b"three"
D1, D2, D3 = map(digest_bytes, (ONE, TWO, THREE))
KEYED = "f" * 64
OTHER = "e" * 64


def masked(path: str, before: str | None, after: str | None, *, change: bool = True) -> FileTouch:
    return FileTouch(path, before, after, change, masked=True)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [(1, {"a": None}), (2, {"a": D1}), (3, {"a": D1}), (4, {"a": D2}), (5, {"a": D2}), (6, {"a": None})],
)
def test_the_last_change_before_a_cut_counts_else_what_the_first_after_it_found(
    cut: int, expected: dict[str, str | None]
) -> None:
    events = [
        Event(RUN, 1, 0.0, 0.0, TurnStarted()),
        touched(2, changed("a", None, ONE)),
        Event(RUN, 3, 0.0, 0.0, TurnStarted()),
        touched(4, changed("a", ONE, TWO)),
        touched(6, changed("a", TWO, None)),
    ]
    assert files_at(events, cut) == FilesAtCut(expected, {}, {})


def test_what_a_call_read_as_another_one_left_it_needs_no_more_than_its_snapshot() -> None:
    events = [touched(1, changed("a", None, ONE)), touched(2, read("a", ONE))]
    assert files_at(events, 2) == FilesAtCut({"a": D1}, {}, {})


def unseen(seq: int) -> Event:
    return Event(RUN, seq, 0.0, 0.0, ToolCompleted("shell", "c", "ok", "", None, 0.0, unseen=True))


def test_after_a_call_whose_changes_nobody_knows_what_was_seen_before_it_counts_no_more() -> None:
    events = [touched(1, changed("a", None, ONE), read("b", ONE)), unseen(2), touched(3, changed("c", ONE, TWO))]
    assert files_at(events, 2) == FilesAtCut({"c": D1}, {}, {})
    assert files_at(events, 3) == FilesAtCut({"c": D2}, {}, {})


def test_what_a_call_changed_after_the_cut_that_nobody_knows_cannot_be_undone() -> None:
    with pytest.raises(UsageError) as caught:
        files_at([touched(1, changed("a", None, ONE)), unseen(2)], 1)
    assert caught.value.code == "E-FORK-FILES-UNSEEN"
    assert "(event 2)" in caught.value.info.why


def test_what_was_only_read_is_to_be_compared() -> None:
    events = [touched(1, read("a", ONE), read("b", TWO)), touched(2, read("a", TWO)), touched(3, read("c", ONE))]
    assert files_at(events, 1) == FilesAtCut({}, {"a": D1, "b": D2}, {})
    assert files_at(events, 2) == FilesAtCut({}, {"a": D2, "b": D2}, {})


def test_what_was_read_and_is_changed_after_the_cut_has_a_snapshot() -> None:
    events = [touched(1, read("a", ONE)), touched(2, changed("a", ONE, TWO))]
    assert files_at(events, 1) == FilesAtCut({"a": D1}, {}, {})


def test_what_somebody_else_changed_meanwhile_is_what_was_seen_last() -> None:
    after_the_change = [touched(1, changed("a", None, ONE)), touched(2, read("a", TWO))]
    before_the_change = [touched(1, read("a", ONE)), touched(3, changed("a", TWO, THREE))]
    assert files_at(after_the_change, 2) == FilesAtCut({}, {"a": D2}, {})
    assert files_at(before_the_change, 2) == FilesAtCut({}, {"a": D1}, {})
    assert files_at(before_the_change, 3) == FilesAtCut({"a": D3}, {}, {})


def test_what_was_looked_for_and_not_found_was_not_there() -> None:
    assert files_at([touched(1, read("a", None))], 1) == FilesAtCut({}, {"a": None}, {})


def test_content_with_a_secret_has_a_keyed_digest() -> None:
    events = [touched(1, masked("a", None, KEYED)), touched(2, masked("a", KEYED, OTHER))]
    assert files_at(events, 1) == FilesAtCut({}, {}, {"a": KEYED})
    assert files_at(events, 2) == FilesAtCut({}, {}, {"a": OTHER})


def test_where_a_secret_was_not_yet_or_not_any_more_there_was_no_file() -> None:
    events = [touched(2, masked("a", None, KEYED)), touched(3, masked("a", KEYED, None))]
    assert files_at(events, 1) == files_at(events, 3) == FilesAtCut({"a": None}, {}, {})


def test_a_secret_that_was_read_is_to_be_compared_by_its_keyed_digest() -> None:
    events = [touched(1, masked("a", KEYED, None, change=False))]
    assert files_at(events, 1) == FilesAtCut({}, {"a": KEYED}, {})
    assert files_at([*events, touched(2, masked("a", KEYED, OTHER))], 1) == FilesAtCut({}, {}, {"a": KEYED})


@pytest.mark.parametrize(("cut", "modes"), [(0, {"a": 0o755}), (1, {"a": 0o755}), (2, {}), (3, {}), (4, {})])
def test_permissions_are_those_of_what_a_change_replaced_or_took_away(cut: int, modes: dict[str, int]) -> None:
    events = [
        touched(1, changed("a", ONE, TWO, 0o755)),
        touched(2, changed("a", TWO, None, 0o755)),
        touched(3, changed("a", None, TWO)),
        touched(4, read("b", ONE)),
    ]
    assert files_at(events, cut).modes == modes


def test_permissions_that_somebody_else_changed_meanwhile_are_those_that_were_seen_next() -> None:
    events = [touched(1, changed("a", ONE, TWO, 0o644)), touched(3, changed("a", TWO, None, 0o700))]
    assert files_at(events, 1).modes == {"a": 0o700}
    assert files_at([*events[:1], touched(2, read("a", TWO))], 2).modes == {"a": 0o644}
