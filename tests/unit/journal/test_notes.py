"""What owners note in their files, and how long the files stay."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from agentcli.journal.locks import RunLocks
from agentcli.journal.marking import Notes
from agentcli.journal.operations import Chain
from tests.fakes.journals import opened
from tests.fakes.pruned import SMALL, recorded_with
from tests.fakes.recorded import MANIFEST


async def test_the_files_of_owners_are_left_alone_while_somebody_prunes(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        await recorded_with(journal, 1, SMALL)
        with journal._locks.pruning():
            dead = journal._locks.own("dead")
            dead.release()
            journal._locks.sweep()
            assert [path.name for path in journal._locks.files()] == ["dead.lock"]
        assert journal._locks.files() == []
        dead.note([bytes.fromhex(MANIFEST)])
        assert journal._locks.files() == []


def test_a_file_that_goes_while_notes_are_read_is_no_trouble(tmp_path: Path) -> None:
    locks = RunLocks(tmp_path)
    lock = locks.own("a")
    lock.note([b"1" * 32])
    with closing(Notes(locks)) as notes:
        notes.read()
        assert (b"1" * 32 in notes, b"2" * 32 in notes) == (True, False)
        lock.release(remove=True)
        again = locks.own("a")
        again.note([b"2" * 32])
        (tmp_path / "b.lock").symlink_to(tmp_path / "nowhere")
        notes.read()
        assert b"2" * 32 in notes
        again.release(remove=True)


def test_a_note_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    locks = RunLocks(tmp_path)
    path = tmp_path / "a.lock"
    path.write_bytes(b"1" * 8 + b"2" * 3)
    with closing(Notes(locks)) as notes:
        notes.read()
        assert (b"1" * 32 in notes, b"2" * 32 in notes) == (True, False)
        with path.open("ab") as file:
            file.write(b"2" * 5)
        notes.read()
        assert b"2" * 32 in notes


def test_what_has_no_owner_notes_nothing(tmp_path: Path) -> None:
    """Tags, and making an ended run small, name nothing new."""
    Chain("20261121-081532-k7f3qz", b"").note([b"1" * 32])
    assert RunLocks(tmp_path).files() == []
