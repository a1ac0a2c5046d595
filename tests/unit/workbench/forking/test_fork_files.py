"""A fork's workspace: the files of its parent as they were at the cut."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from agentcli.sandbox.paths import MAX_FILE_BYTES
from agentcli.workbench.fork_files import Restored, make_workspace, open_workspace, workspace_folder
from agentcli.workbench.wiring import Workbench
from tests.fakes.forking import FORK, SECRET, at, contents, d, fill, fork


def test_a_fork_gets_a_private_copy_of_its_own(bench: Workbench, work: Path) -> None:
    fill(work, a=b"one", sub__b=b"two")
    made = fork(bench, at())
    assert made == Restored(workspace_folder(bench, FORK), True, 2, (), (), ())
    assert contents(made.target) == contents(work)
    assert made.target.stat().st_mode & 0o777 == 0o700
    (made.target / "a").write_text("changed")
    assert (work / "a").read_text() == "one"


def test_files_are_put_back_and_removed_again(bench: Workbench, work: Path) -> None:
    fill(work, same=b"one", other=b"new", later=b"two", mine=b"x")
    files = at({"same": d(b"one"), "other": d(b"two"), "later": None, "gone__b": None, "sub/deleted": d(b"")})
    made = fork(bench, files)
    assert contents(made.target) == {"same": b"one", "other": b"two", "mine": b"x", "sub/deleted": b""}
    assert made.restored == ("later", "other", "sub/deleted")


def test_what_is_put_back_keeps_its_permissions_and_what_is_the_same_its_time(bench: Workbench, work: Path) -> None:
    fill(work, script=b"new", same=b"one")
    (work / "script").chmod(0o755)
    os.utime(work / "same", (1000, 1000))
    made = fork(bench, at({"script": d(b"two"), "same": d(b"one")}))
    assert (made.target / "script").stat().st_mode & 0o777 == 0o755
    assert (made.target / "same").stat().st_mtime == 1000


def test_recorded_permissions_are_put_back_without_special_ones(bench: Workbench, work: Path) -> None:
    fill(work, same=b"one", other=b"new", known=b"two")
    (work / "known").chmod(0o711)
    modes = {"same": 0o755, "other": 0o640, "gone": 0o4775, "known": 0o711}
    changed = {"same": d(b"one"), "other": d(b"two"), "gone": d(b""), "known": d(b"two")}
    made = fork(bench, at(changed, modes=modes))
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.target.iterdir()}
    assert found == {"same": 0o755, "other": 0o640, "gone": 0o775, "known": 0o711}
    assert made.restored == ("gone", "other", "same")


def test_a_folder_or_a_link_where_a_file_was_makes_room_for_it(bench: Workbench, work: Path) -> None:
    fill(work, folder__x=b"x", under=b"x")
    (work / "link").symlink_to("under")
    (work / "gone").symlink_to("under")
    made = fork(bench, at({"folder": d(b"one"), "link": d(b"two"), "under/b": d(b"one"), "gone": None}))
    assert contents(made.target) == {"folder": b"one", "link": b"two", "under/b": b"one"}


def test_a_folder_where_there_was_no_file_stays(bench: Workbench, work: Path) -> None:
    fill(work, folder__x=b"x")
    made = fork(bench, at({"folder": None}))
    assert (contents(made.target), made.restored) == ({"folder/x": b"x"}, ())


def test_without_the_parents_workspace_there_is_what_the_journal_holds(bench: Workbench, work: Path) -> None:
    work.rmdir()
    made = fork(bench, at({"a": d(b"one"), "b": None}), source=work)
    assert (made.found, made.copied, contents(made.target)) == (False, 0, {"a": b"one"})


def test_what_was_read_is_put_back_where_the_journal_happens_to_hold_it(bench: Workbench, work: Path) -> None:
    fill(work, a=b"new")
    made = fork(bench, at(read={"a": d(b"two"), "gone": d(b"one")}))
    assert (contents(made.target), made.drifted) == ({"a": b"two", "gone": b"one"}, ())


def test_a_file_with_a_secret_is_taken_if_it_is_still_the_same(bench: Workbench, work: Path) -> None:
    secret = f"key = {SECRET}".encode()
    fill(work, a=secret, b=secret)
    keyed = bench.redactor.keyed_digest(secret)
    made = fork(bench, at(masked={"a": keyed}, read={"b": keyed}))
    assert contents(made.target) == {"a": secret, "b": secret}
    assert (made.restored, made.drifted) == ((), ())


def test_a_large_file_that_was_read_is_compared_without_holding_it(bench: Workbench, work: Path) -> None:
    fill(work, same=b"x" * (MAX_FILE_BYTES + 1), other=b"y" * (MAX_FILE_BYTES + 1))
    keyed = bench.redactor.keyed_digest(d(b"x" * (MAX_FILE_BYTES + 1)).encode())
    made = fork(bench, at(read={"same": keyed, "other": keyed, "gone": keyed}), drift="accept")
    assert [(drift.path, drift.present) for drift in made.drifted] == [
        ("other", d(b"y" * (MAX_FILE_BYTES + 1))),
        ("gone", None),
    ]


def test_folders_of_what_programs_make_again_are_left_out_unless_the_run_used_them(
    bench: Workbench, work: Path
) -> None:
    fill(work, node_modules__x=b"x", a=b"one", sub__node_modules__z=b"z")
    (work / "sub" / "__pycache__").mkdir()
    os.mkfifo(work / "pipe")
    made = fork(bench, at(read={"sub/node_modules/z": d(b"z")}))
    assert "sub/node_modules/z" in contents(made.target)
    assert made.left_out == ("node_modules/", "pipe", "sub/__pycache__/")


def test_a_fork_of_a_fork_starts_from_the_forks_files(bench: Workbench, work: Path) -> None:
    fill(work, a=b"one")
    first = fork(bench, at({"a": d(b"two")}))
    second = make_workspace(bench, first.target, workspace_folder(bench, "second"), at())
    assert contents(second.target) == {"a": b"two"}
    shutil.rmtree(first.target)
    third = make_workspace(bench, first.target, workspace_folder(bench, "third"), at({"a": d(b"one")}))
    assert (third.found, contents(third.target)) == (False, {"a": b"one"})


def test_the_tools_of_a_fork_work_in_its_folder(bench: Workbench, work: Path) -> None:
    fill(work, a=b"one")
    made = fork(bench, at())
    view = open_workspace(bench, made.target)
    view.write_atomic("a", b"two")
    view.close()
    assert (contents(made.target), contents(work)) == ({"a": b"two"}, {"a": b"one"})


@pytest.mark.parametrize("run", ["", "..", "a/b", "../x", ".hidden", "x" * 200])
def test_a_folder_is_for_the_id_of_a_run(bench: Workbench, run: str) -> None:
    with pytest.raises(ValueError, match="run id"):
        workspace_folder(bench, run)


def test_only_a_folder_of_a_fork_is_made(bench: Workbench, work: Path) -> None:
    with pytest.raises(ValueError, match="folder of a fork"):
        make_workspace(bench, work, work / FORK, at())
