"""A fork's workspace: the files of its parent as they were at the cut."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcli.core.canonical import Digest, digest_bytes
from agentcli.errors import StorageError, UsageError
from agentcli.sandbox.copying import Cap
from agentcli.workbench.files_at_cut import FilesAtCut, files_at
from agentcli.workbench.fork_files import Restored, make_workspace, open_workspace, workspace_folder
from agentcli.workbench.restoring import Drift
from agentcli.workbench.wiring import Workbench
from tests.fakes.recorded import start
from tests.fakes.touched import changed, read, touched
from tests.unit.workbench.conftest import Project

CONTENTS = (b"", b"one", b"two", b"three\n" * 1000)
FORK = "20261121-081532-k7f3qz"
SECRET = "pk-live-51H8xY2eZvKYlo2C"


@pytest.fixture
def work(isolated: Path) -> Path:
    """The parent's workspace: a folder beside a project's settings, with nothing in it."""
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    folder = isolated / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def bench(work: Path) -> Iterator[Workbench]:
    """A workbench on it whose journal holds some contents."""
    project = Project(work.parent)
    with project.bench({"PAYMENT_API_KEY": SECRET}, workspace=work) as made:
        asyncio.run(keep(made, *CONTENTS))
        yield made


async def keep(bench: Workbench, *contents: bytes) -> None:
    log = bench.journal.begin(start())
    for content in contents:
        log.put(content)
    await log.barrier()
    await log.abandon()


def fill(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def at(
    changed: dict[str, Digest | None] | None = None,
    read: dict[str, Digest | None] | None = None,
    masked: dict[str, Digest] | None = None,
) -> FilesAtCut:
    return FilesAtCut(changed or {}, read or {}, masked or {})


def fork(bench: Workbench, files: FilesAtCut, **more: Any) -> Restored:
    return make_workspace(
        bench, more.pop("source", None) or bench.workspace, workspace_folder(bench, FORK), files, **more
    )


def refused(bench: Workbench, files: FilesAtCut, **more: Any) -> str:
    """The code of the error; nothing stays behind."""
    with pytest.raises((UsageError, StorageError)) as caught:
        fork(bench, files, **more)
    folder = bench.journal_folder / "workspaces"
    assert not folder.exists() or list(folder.iterdir()) == []
    assert caught.value.info.why
    return caught.value.code


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


def d(content: bytes) -> Digest:
    return digest_bytes(content)


def test_what_is_put_back_keeps_its_permissions_and_what_is_the_same_its_time(bench: Workbench, work: Path) -> None:
    fill(work, script=b"new", same=b"one")
    (work / "script").chmod(0o755)
    os.utime(work / "same", (1000, 1000))
    made = fork(bench, at({"script": d(b"two"), "same": d(b"one")}))
    assert (made.target / "script").stat().st_mode & 0o777 == 0o755
    assert (made.target / "same").stat().st_mtime == 1000


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


def test_files_that_were_read_must_be_as_they_were(bench: Workbench, work: Path) -> None:
    fill(work, same=b"not kept", other=b"new")
    files = at(read={"same": d(b"not kept"), "none": None, "other": d(b"old"), "gone": d(b"gone"), "back": None})
    fill(work, back=b"x")
    assert refused(bench, files) == "E-FORK-FILES-DRIFTED"
    made = fork(bench, files, drift="accept")
    assert made.drifted == (
        Drift("other", d(b"old"), d(b"new")),
        Drift("gone", d(b"gone"), None),
        Drift("back", None, d(b"x")),
    )
    assert contents(made.target) == contents(work)


def test_many_files_that_drifted_are_not_all_named(bench: Workbench, work: Path) -> None:
    files = at(read={f"file-{n}": d(b"gone") for n in range(7)})
    with pytest.raises(UsageError) as caught:
        fork(bench, files)
    assert caught.value.info.what.endswith("`file-3`, `file-4` and 2 more.")
    assert "--files current" in caught.value.info.fix


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


@pytest.mark.parametrize("now", [b"another", None])
def test_a_file_with_a_secret_that_is_another_one_now_cannot_be_had(
    bench: Workbench, work: Path, now: bytes | None
) -> None:
    if now is not None:
        fill(work, a=now)
    assert refused(bench, at(masked={"a": "f" * 64})) == "E-FORK-FILES-SECRET"


def test_a_file_whose_name_held_a_secret_cannot_be_had(bench: Workbench) -> None:
    files = at({"notes/<secret:payment_api_key:0123456789ab>.txt": d(b"one")})
    assert refused(bench, files) == "E-FORK-FILES-SECRET"


def test_a_snapshot_that_is_not_held_is_told(bench: Workbench) -> None:
    assert refused(bench, at({"a": d(b"pruned")})) == "E-FORK-FILES-MISSING"


async def test_a_snapshot_that_is_damaged_is_told(bench: Workbench) -> None:
    large = os.urandom(200_000)
    log = bench.journal.begin(start(2))
    log.put(large)
    await log.barrier()
    await log.abandon()
    (file,) = (path for path in (bench.journal_folder / "blobs").rglob("*") if path.is_file())
    file.chmod(0o600)
    file.write_bytes(b"tampered")
    assert refused(bench, at({"a": d(large)})) == "E-JOURNAL-DAMAGED"


def test_what_was_read_and_is_no_file_now_has_drifted(bench: Workbench, work: Path) -> None:
    fill(work, a__b=b"x")
    made = fork(bench, at(read={"a": d(b"old")}), drift="accept")
    assert made.drifted == (Drift("a", d(b"old"), None),)


@pytest.mark.parametrize(
    ("cap", "files"),
    [
        (Cap(bytes=5), at()),
        (Cap(files=1), at()),
        (Cap(bytes=7000), at({"c": d(CONTENTS[3]), "d": d(CONTENTS[3])})),
        (Cap(files=2), at({"c": d(b""), "d": d(b"one"), "e": d(b"two")})),
    ],
)
def test_what_is_too_large_is_not_copied(bench: Workbench, work: Path, cap: Cap, files: FilesAtCut) -> None:
    fill(work, a=b"one", b=b"two")
    assert refused(bench, files, cap=cap) == "E-FORK-FILES-LARGE"


def test_folders_of_what_programs_make_again_are_left_out_unless_the_run_used_them(
    bench: Workbench, work: Path
) -> None:
    fill(work, node_modules__x=b"x", a=b"one", sub__node_modules__z=b"z")
    (work / "sub" / "__pycache__").mkdir()
    os.mkfifo(work / "pipe")
    made = fork(bench, at(read={"sub/node_modules/z": d(b"z")}))
    assert "sub/node_modules/z" in contents(made.target)
    assert made.left_out == ("node_modules/", "pipe", "sub/__pycache__/")


def test_a_full_disk_is_told(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert bench.redactor, "its key is made when it is first asked for"
    monkeypatch.setattr(os, "fsync", full)
    assert refused(bench, at({"a": d(b"one")})) == "E-FORK-FILES-IO"


def test_a_folder_that_cannot_be_made_is_told(bench: Workbench) -> None:
    (bench.journal_folder / "workspaces").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        fork(bench, at())
    assert caught.value.code == "E-FORK-FILES-IO"


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


async def test_the_files_of_a_real_run_are_as_they_were(project: Project) -> None:
    def call(name: str, **arguments: Any) -> dict[str, Any]:
        return {"tool_calls": [{"name": name, "arguments": arguments}]}

    project.script(
        call("read_lines", path="a.txt"),
        call("create_file", path="b.txt", content="first"),
        call("create_file", path="b.txt", content="second", overwrite=True),
        call("create_file", path="a.txt", content="changed", overwrite=True),
        "done",
    )
    outcome = await project.run(yes=True)
    assert (outcome.status, outcome.error) == ("completed", None)
    with project.bench() as bench:
        events = list(bench.journal.events(outcome.run))
        done = [event.seq for event in events if event.body.type == "tool.completed"]
        found = []
        for number, cut in enumerate((1, *done)):
            made = make_workspace(
                bench, bench.workspace, workspace_folder(bench, f"fork-{number}"), files_at(events, cut)
            )
            found.append({name: contents(made.target).get(name) for name in ("a.txt", "b.txt")})
    assert [(each["a.txt"], each["b.txt"]) for each in found] == [
        (b"hello\n", None),
        (b"hello\n", None),
        (b"hello\n", b"first"),
        (b"hello\n", b"second"),
        (b"changed", b"second"),
    ]


PATHS = ("a", "a/b", "a/b/c", "d.txt", "e/d.txt")
operations = st.lists(
    st.tuples(st.sampled_from(PATHS), st.sampled_from((*CONTENTS, None)), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.dictionaries(st.sampled_from(PATHS), st.sampled_from(CONTENTS)), steps=operations, data=st.data())
def test_at_any_cut_the_files_are_exactly_as_they_were(
    bench: Workbench, work: Path, before: dict[str, bytes], steps: list[Any], data: st.DataObject
) -> None:
    state: dict[str, bytes] = {}
    for path, content in before.items():
        put(state, path, content)
    history, events = [dict(state)], []
    for seq, (path, content, looks) in enumerate(steps, start=1):
        old = state.get(path)
        if looks:
            touch = read(path, old)
        else:
            put(state, path, content)
            touch = changed(path, old, state.get(path))
        events.append(touched(seq, touch))
        history.append(dict(state))
    cut = data.draw(st.integers(0, len(steps)))
    shutil.rmtree(work)
    work.mkdir()
    fill(work, **state)
    made = fork(bench, files_at(events, cut))
    try:
        assert contents(made.target) == history[cut]
        assert made.drifted == ()
    finally:
        shutil.rmtree(made.target)


def put(state: dict[str, bytes], path: str, content: bytes | None) -> None:
    """Change a file where that can be: not below a file, not in the place of a folder with files."""
    parents = {str(parent) for parent in Path(path).parents}
    if parents & state.keys() or any(other.startswith(f"{path}/") for other in state):
        return
    if content is None:
        state.pop(path, None)
    else:
        state[path] = content
