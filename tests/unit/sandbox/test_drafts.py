from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentcli.sandbox.drafts import drafted


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_has_its_name_only_when_it_is_whole(isolated: Path) -> None:
    folder = isolated / "all"
    with drafted(folder, "one") as draft:
        (draft / "file").write_text("x")
        assert "one" not in names(folder)
        assert draft.parent == folder
    assert names(folder) == ["one"]
    assert (folder / "one" / "file").read_text() == "x"


def test_nobody_else_may_look_into_it(isolated: Path) -> None:
    with drafted(isolated / "all", "one") as draft:
        assert draft.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (isolated / "all", isolated / "all" / "one")] == [0o700] * 2


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_leaves_nothing(isolated: Path, error: type[BaseException]) -> None:
    def failing() -> None:
        with drafted(isolated, "one") as draft:
            (draft / "sub").mkdir()
            (draft / "sub" / "file").write_text("x")
            raise error

    with pytest.raises(error):
        failing()
    assert names(isolated) == []


def test_a_name_that_is_taken_stays_as_it_is(isolated: Path) -> None:
    (isolated / "one").mkdir()
    (isolated / "one" / "file").write_text("old")
    with pytest.raises(OSError, match="not empty"), drafted(isolated, "one") as draft:
        (draft / "file").write_text("new")
    assert (names(isolated), (isolated / "one" / "file").read_text()) == (["one"], "old")


def test_what_a_killed_process_left_is_cleared_away_but_nothing_else(isolated: Path) -> None:
    (isolated / "two.draft-0123456789abcdef" / "sub").mkdir(parents=True)
    (isolated / "two").mkdir()
    with drafted(isolated, "one"):
        pass
    assert names(isolated) == ["one", "two"]


def test_drafts_that_are_in_the_making_are_left_alone(isolated: Path) -> None:
    with drafted(isolated, "one") as first, drafted(isolated, "two") as second:
        assert first.is_dir()
        assert second.is_dir()
    assert names(isolated) == ["one", "two"]


def test_those_who_make_at_the_same_time_do_not_clear_away_what_others_make(isolated: Path) -> None:
    def make(who: int) -> None:
        for number in range(30):
            with drafted(isolated, f"{who}-{number}") as draft:
                (draft / "file").write_text("x")

    with ThreadPoolExecutor(3) as pool:  # a lock belongs to an open folder: threads and processes are alike
        list(pool.map(make, range(3)))
    assert len(names(isolated)) == 90
    assert len(list(isolated.glob("*/file"))) == 90


def test_a_folder_that_is_a_link_is_refused(isolated: Path) -> None:
    (isolated / "elsewhere").mkdir()
    (isolated / "link").symlink_to("elsewhere")
    with pytest.raises(OSError, match=r"directory|link"), drafted(isolated / "link", "one"):
        pass
    assert names(isolated / "elsewhere") == []
