"""Files that cannot be had as they were at the cut: the fork says so, and nothing of it stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agentcli.errors import StorageError, UsageError
from agentcli.sandbox.copying import Cap
from agentcli.workbench.files_at_cut import FilesAtCut
from agentcli.workbench.restoring import Drift
from agentcli.workbench.wiring import Workbench
from tests.fakes.forking import CONTENTS, at, contents, d, fill, fork, refused
from tests.fakes.recorded import start


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
