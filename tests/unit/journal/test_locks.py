"""Ownership by file lock."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentcli.errors import StorageError
from agentcli.journal.locks import FileLock, RunLocks, Turnstile


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "a"), FileLock(tmp_path / "a")
    assert one.try_acquire()
    assert one.held
    assert not other.try_acquire()
    one.release()
    one.release()
    assert not one.held
    assert other.try_acquire()


def test_a_lock_whose_file_was_removed_meanwhile_is_not_taken_for_one(tmp_path: Path) -> None:
    """Between opening and locking, the last owner may remove the file; two owners would follow."""
    path = tmp_path / "a"
    taken = 0

    def work() -> None:
        nonlocal taken
        for _ in range(200):
            lock = FileLock(path)
            if lock.try_acquire():
                inside.append(1)
                assert len(inside) == 1
                taken += 1
                inside.pop()
                lock.release(remove=True)

    inside: list[int] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken > 0
    assert not path.exists()


def test_looking_creates_nothing_and_disturbs_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    locks = RunLocks(folder)
    assert not locks.is_owned("r")
    assert not RunLocks(tmp_path / "none").is_owned("r")
    assert list(folder.iterdir()) == []
    lock = locks.own("r")
    assert locks.is_owned("r")
    lock.release()
    assert not locks.is_owned("r")


def test_an_owned_run_is_refused_with_a_remedy(tmp_path: Path) -> None:
    locks = RunLocks(tmp_path)
    locks.own("r")
    with pytest.raises(StorageError) as caught:
        locks.own("r")
    assert caught.value.code == "E-RUN-OWNED"
    assert caught.value.info.fix


def test_who_only_looks_is_not_taken_for_an_owner(tmp_path: Path) -> None:
    locks, stop = RunLocks(tmp_path), threading.Event()
    locks.own("r").release()

    def look() -> None:
        while not stop.is_set():
            locks.is_owned("r")

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(100):
        locks.own("r").release()
    stop.set()
    thread.join()


def test_a_lock_is_not_inherited_and_ends_with_its_holder(tmp_path: Path) -> None:
    program = f"""
import subprocess, sys
from pathlib import Path
from agentcli.journal.locks import RunLocks
lock = RunLocks(Path({str(tmp_path)!r})).own("r")
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
print(child.pid, flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    assert RunLocks(tmp_path).is_owned("r")
    holder.kill()
    holder.communicate()
    assert not RunLocks(tmp_path).is_owned("r")
    os.kill(child, 9)


def test_dead_owners_files_are_swept_and_living_ones_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    locks = RunLocks(folder)
    locks.own("dead").release()
    living = locks.own("living")
    locks.sweep()
    assert [path.name for path in folder.iterdir()] == ["living.lock"]
    living.release(remove=True)
    assert list(folder.iterdir()) == []


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    RunLocks(folder).own("../escaped").release()
    assert [path.parent for path in tmp_path.rglob("*.lock")] == [folder]


def test_turns_are_taken_one_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        turnstile = Turnstile(tmp_path / "turn")
        for _ in range(50):
            with turnstile.turn():
                inside += 1
                most = max(most, inside)
                inside -= 1
        turnstile.close()
        turnstile.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_file_system_without_locks_is_the_systems_own_error_and_keeps_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def refuse(fd: int, operation: int) -> None:
        opened.append(fd)
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock = FileLock(tmp_path / "a")
    with pytest.raises(OSError, match="lock"):
        lock.try_acquire()
    assert not lock.held
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_a_file_that_is_removed_between_opening_and_locking_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, path, waited = fcntl.flock, tmp_path / "a", 0

    def late(fd: int, operation: int) -> None:
        nonlocal waited
        if waited < 2:
            path.unlink()  # as its last owner does, before we get the lock
            if waited:
                path.touch()  # and somebody else makes another one
            waited += 1
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    lock = FileLock(path)
    assert lock.try_acquire()
    assert waited == 2
    assert not FileLock(path).try_acquire()
    lock.release(remove=True)
    assert not path.exists()


def test_a_folder_that_is_missing_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "none" / "a").try_acquire()
