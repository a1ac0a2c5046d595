"""Opening a journal: to read it, where not even that has room; and to write what is being read."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agentcli.errors import StorageError
from agentcli.journal.faults import storage_error
from agentcli.journal.opening import open_reader
from tests.fakes.journals import opened, recorded
from tests.recordings.record import HERE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_an_older_journal_is_read_where_there_is_no_room_to_renew_it(tmp_path: Path, number: int) -> None:
    path = tmp_path / "journal.db"
    shutil.copyfile(HERE / "version-1" / "journal" / "journal.db", path)

    def renew() -> None:
        raise storage_error(OSError(number, os.strerror(number)), path)

    database = open_reader(path, renew)
    assert database is not None
    assert database.execute("SELECT count(mark) FROM events").fetchone()[0] > 0
    database.close()


def test_another_fault_of_renewing_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    shutil.copyfile(HERE / "version-1" / "journal" / "journal.db", path)

    def renew() -> None:
        raise storage_error(OSError(errno.EIO, "bad disk"), path)

    with pytest.raises(StorageError) as caught:
        open_reader(path, renew)
    assert caught.value.code == "E-JOURNAL-IO"


def test_no_room_for_what_connections_share_is_a_full_disk() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert storage_error(error, Path("journal.db")).code == "E-JOURNAL-FULL"


async def test_opening_it_to_write_gives_up_no_lock_of_who_reads_it_in_the_same_process(tmp_path: Path) -> None:
    """Else another process, when it closes the journal, takes itself for the last one and the log away."""
    run = await recorded(tmp_path)
    program = f"""
import sqlite3
database = sqlite3.connect({str(tmp_path / "journal.db")!r})
database.execute("SELECT 1 FROM runs").fetchone()
database.close()
"""
    with opened(tmp_path) as journal:
        journal.find(run)
        journal.tag(run, ["kept"])
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=True)
        assert (tmp_path / "journal.db-wal").exists()
