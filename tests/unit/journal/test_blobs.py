"""Contents in the table: what may lean on what."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import KNOWN_BYTES, BlobReader, Recent, keep, prepare
from agentcli.journal.faults import storage_error
from agentcli.journal.packing import Coding
from agentcli.journal.schema import open_writer

RESULT = b'"' + os.urandom(200).hex().encode() + b'"'
MESSAGE = b'{"content":' + RESULT + b',"role":"tool"}'


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[BlobReader]:
    database = open_writer(tmp_path / "journal.db")
    yield BlobReader(database, BlobFiles(tmp_path / "blobs"))
    database.close()


def stored(blobs: BlobReader, data: bytes, recent: Recent) -> bytes:
    digest = sha256(data).digest()
    keep(prepare(data, digest, blobs, recent), blobs.database, blobs.files)
    return digest


def row(blobs: BlobReader, digest: bytes) -> tuple[Coding, int, int | None]:
    coding, length, base = blobs.database.execute(
        "SELECT coding, length(data), base FROM blobs WHERE digest = ?", (digest,)
    ).fetchone()
    return Coding(coding), length, base


def test_a_message_leans_on_the_result_in_it(blobs: BlobReader) -> None:
    recent = Recent()
    result, message = stored(blobs, RESULT, recent), stored(blobs, MESSAGE, recent)
    assert row(blobs, result)[0] is Coding.DEFLATE_DICTIONARY_1
    coding, length, base = row(blobs, message)
    assert coding is Coding.DEFLATE_BASE
    assert length < 60
    assert base == 1
    assert (blobs.read(result), blobs.read(message)) == (RESULT, MESSAGE)


def test_nothing_leans_on_what_leans_itself(blobs: BlobReader) -> None:
    recent = Recent()
    stored(blobs, RESULT, recent)
    message = stored(blobs, MESSAGE, recent)
    other = Recent()
    bare = prepare(MESSAGE, b"0" * 32, blobs, other)
    assert bare.packed is not None
    larger = b"[" + MESSAGE + b"]"
    digest = stored(blobs, larger, Recent(type(other.kept)([(message, MESSAGE)], maxlen=8)))
    assert row(blobs, digest)[0] is Coding.DEFLATE_DICTIONARY_1
    assert blobs.read(digest) == larger


def test_what_it_leaned_on_may_be_gone_before_it_is_written(blobs: BlobReader) -> None:
    recent = Recent()
    stored(blobs, RESULT, recent)
    digest = sha256(MESSAGE).digest()
    content = prepare(MESSAGE, digest, blobs, recent)
    blobs.database.execute("DELETE FROM blobs")
    keep(content, blobs.database, blobs.files)
    assert blobs.read(digest) == MESSAGE


def test_what_was_there_may_be_gone_before_it_is_needed(blobs: BlobReader) -> None:
    digest = stored(blobs, RESULT, Recent())
    content = prepare(RESULT, digest, blobs, Recent())
    assert content.packed is None
    blobs.database.execute("DELETE FROM blobs")
    keep(content, blobs.database, blobs.files)
    assert blobs.read(digest) == RESULT


def test_a_base_that_is_gone_is_damage(blobs: BlobReader) -> None:
    recent = Recent()
    stored(blobs, RESULT, recent)
    digest = stored(blobs, MESSAGE, recent)
    blobs.database.execute("DELETE FROM blobs WHERE base IS NULL")
    with pytest.raises(ValueError, match="compressed against is gone"):
        blobs.read(digest)


def test_a_content_that_is_already_a_file_is_not_written_again(blobs: BlobReader) -> None:
    data = os.urandom(70_000)
    digest = stored(blobs, data, Recent())
    path = blobs.files.path(digest, Coding.FILE_RAW)
    before = path.stat().st_ino
    blobs.database.execute("DELETE FROM blobs")
    stored(blobs, data, Recent())
    assert path.stat().st_ino == before


def test_a_file_that_does_not_reach_the_disk_leaves_nothing(blobs: BlobReader, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        stored(blobs, os.urandom(70_000), Recent())
    assert [path for path in blobs.files.folder.rglob("*") if path.is_file()] == []


def test_errors_of_the_system_have_their_codes(tmp_path: Path) -> None:
    def code(error: sqlite3.Error | OSError) -> str:
        return storage_error(error, tmp_path).code

    assert code(OSError(errno.ENOSPC, "x")) == code(OSError(errno.EDQUOT, "x")) == "E-JOURNAL-FULL"
    assert code(OSError(errno.EROFS, "x")) == "E-JOURNAL-UNWRITABLE"
    assert code(OSError(errno.EIO, "x")) == "E-JOURNAL-IO"
    assert code(sqlite3.InterfaceError("x")) == "E-JOURNAL-IO"


def test_a_reader_remembers_no_more_than_it_has_room_for(blobs: BlobReader) -> None:
    for number in range(100):
        stored(blobs, bytes([number]) * 60_000, Recent())
    for number in range(100):
        assert blobs.read(sha256(bytes([number]) * 60_000).digest())[0] == number
    assert sum(map(len, blobs._known.values())) <= KNOWN_BYTES


def test_what_was_read_before_is_not_read_again(blobs: BlobReader) -> None:
    digest = stored(blobs, RESULT, Recent())
    assert blobs.read(digest) == RESULT
    blobs.database.execute("DELETE FROM blobs")
    assert blobs.read(digest) == RESULT
