"""A journal that came with somebody else's project: a clear error, no full memory, nothing written elsewhere."""

from __future__ import annotations

import os
import sqlite3
import zlib
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from agentcli.core.runs import RunQuery
from agentcli.journal.packing import Coding, unpack, unpack_body
from agentcli.journal.store import SqliteJournal
from tests.cli.conftest import Cli, cli
from tests.fakes.journals import code_of, opened
from tests.fakes.recorded import start

__all__ = ["cli"]

DIGEST = sha256(b"never").digest()


async def record(folder: Path) -> str:
    journal = SqliteJournal(folder)
    log = journal.begin(start())
    await log.abandon()
    journal.close()
    return log.run


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "journal.db", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize("part", [".", "journal.db", "journal.db-wal", "blobs", "locks"])
def test_no_part_of_a_journal_is_reached_through_a_link(tmp_path: Path, part: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (elsewhere / "poetry.lock").write_text("mine")
    folder = tmp_path / "project" / ".agentcli"
    if part == ".":
        folder.parent.mkdir()
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir(parents=True)
        (folder / part).symlink_to(elsewhere if "journal" not in part else elsewhere / "new.db")
    journal = SqliteJournal(folder)
    assert code_of(lambda: journal.begin(start())) == "E-JOURNAL-LINK"
    assert [path.name for path in elsewhere.iterdir()] == ["poetry.lock"]
    assert elsewhere.stat().st_mode & 0o777 == 0o755


async def test_a_linked_journal_is_not_read_either(tmp_path: Path) -> None:
    await record(tmp_path / "other")
    (tmp_path / "project").symlink_to(tmp_path / "other")
    assert code_of(lambda: SqliteJournal(tmp_path / "project").runs()) == "E-JOURNAL-LINK"


@pytest.mark.parametrize("size", [-1, 2**40, 2**62])
def test_a_content_cannot_unpack_to_more_than_any_message_has(size: int) -> None:
    bomb = zlib.compress(bytes(1_000_000), 9)[2:-4]
    with pytest.raises(ValueError, match="calls itself"):
        unpack(Coding.DEFLATE, bomb, size)


def test_a_body_cannot_either() -> None:
    with pytest.raises(ValueError, match="calls itself"):
        unpack_body(b"\xff\xff\xff\xff\x7f" + zlib.compress(bytes(1_000), 9)[2:-4])


@pytest.mark.parametrize("kind", ["link", "fifo", "folder of link", "sparse"])
async def test_a_file_of_a_content_is_a_small_regular_file_or_damage(tmp_path: Path, kind: str) -> None:
    await record(tmp_path)
    name = DIGEST.hex()
    path = tmp_path / "blobs" / name[:2] / name[2:]
    (tmp_path / "blobs").mkdir()
    if kind == "folder of link":
        (tmp_path / "there").mkdir()
        (tmp_path / "there" / path.name).write_bytes(b"never")
        path.parent.symlink_to(tmp_path / "there")
    else:
        path.parent.mkdir()
    if kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(2**40)
    change(tmp_path, f"INSERT INTO blobs (digest, size, coding) VALUES (x'{name}', 5, {Coding.FILE_RAW:d})")
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.blob(name)) == "E-JOURNAL-DAMAGED"
    journal.close()


SCHEMAS = {
    "a view in place of a table": [
        "DROP TABLE runs",
        "CREATE VIEW runs AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT * FROM c",
    ],
    "a trigger": ["CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END"],
    "another table": ["DROP TABLE tags", "CREATE TABLE tags (run, tag)"],
    "a missing table": ["DROP TABLE blobs"],
}


@pytest.mark.parametrize("statements", SCHEMAS.values(), ids=SCHEMAS.keys())
async def test_tables_that_are_not_ours_are_damage(tmp_path: Path, statements: list[str]) -> None:
    await record(tmp_path)
    change(tmp_path, *statements)
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: journal.runs(RunQuery())) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: journal.begin(start())) == "E-JOURNAL-DAMAGED"


async def test_what_somebody_added_for_themselves_does_no_harm(tmp_path: Path) -> None:
    run = await record(tmp_path)
    change(tmp_path, "CREATE VIEW mine AS SELECT name FROM runs", "CREATE TABLE notes (text)")
    with opened(tmp_path) as journal:
        assert [row.start.id for row in journal.runs()] == [run]


ROWS = [
    "UPDATE runs SET status = 'hacked'",
    "UPDATE runs SET kind = char(27) || '[31m'",
    "UPDATE runs SET relation = 'boss'",
    "UPDATE runs SET started = 9e999",
    "UPDATE runs SET started = 1e300",
    "UPDATE runs SET started = -1",
    "UPDATE runs SET id = char(27) || ']0;title' || char(7)",
    "UPDATE runs SET id = '../../x'",
    "UPDATE runs SET parent = char(155) || '31m'",
    "UPDATE runs SET task = zeroblob(0) || hex(zeroblob(20000000))",
]


@pytest.mark.parametrize("statement", ROWS)
async def test_rows_that_no_run_has_are_damage_at_the_command_line(cli: Cli, statement: str) -> None:
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    folder = cli.cwd / ".agentcli"
    await record(folder)
    change(folder, statement)
    for words in (["runs", "list"], ["runs", "list", "--json"], ["runs", "show"]):
        result = cli(*words, terminal=True)
        assert result.code == 1
        assert "E-JOURNAL-DAMAGED" in result.err + result.out
        assert "Traceback" not in result.err
        assert "\x1b]" not in result.out + result.err


async def test_a_deeply_nested_event_is_damage(tmp_path: Path) -> None:
    from agentcli.journal.packing import pack_body

    run = await record(tmp_path)
    body = pack_body(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}").hex()
    change(
        tmp_path,
        f"""INSERT INTO events (run, seq, type, time, mono, lane, body, digests, mark)
            VALUES (1, 1, 'warning', 0, 0, '', x'{body}', x'', x'')""",
    )
    journal = SqliteJournal(tmp_path)
    assert code_of(lambda: list(journal.events(run))) == "E-JOURNAL-DAMAGED"
    journal.close()
