"""Versions of the schema, and files that are no journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agentcli.journal import opening, schema
from agentcli.journal.migrations import Migration
from agentcli.journal.store import SqliteJournal
from tests.fakes.journals import begun, code_of, recorded
from tests.fakes.recorded import start


def test_every_version_has_its_line_and_follows_the_one_before() -> None:
    assert [migration.version for migration in schema.MIGRATIONS] == list(range(1, schema.VERSION + 1))
    assert all(migration.summary.endswith(".") and "\n" not in migration.summary for migration in schema.MIGRATIONS)


async def test_a_newer_schema_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    await recorded(tmp_path)
    database = sqlite3.connect(tmp_path / "journal.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    journal = SqliteJournal(tmp_path)
    assert code_of(journal.runs) == "E-JOURNAL-NEWER"
    assert code_of(lambda: journal.begin(start(2))) == "E-JOURNAL-NEWER"
    assert not list((tmp_path / "locks").glob("*.lock"))


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-SQLITE"


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Migration(1, "Bad.", ("CREATE TABLE a (b)", "CREATE TABLE a (b)"))
    monkeypatch.setattr(schema, "MIGRATIONS", (bad,))
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-IO"
    monkeypatch.undo()
    journal = SqliteJournal(tmp_path)
    journal.begin(start())
    journal.close()


def test_an_older_journal_is_brought_to_the_newest_schema_and_keeps_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path)
    begun(journal)
    journal.close()
    added = Migration(schema.VERSION + 1, "A table more.", ("CREATE TABLE more (a INTEGER) STRICT",))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, added))
    monkeypatch.setattr(schema, "VERSION", added.version)
    journal = SqliteJournal(tmp_path)
    assert [row.start.id for row in journal.runs()] == [start(1).id]
    begun(journal, 2)
    journal.close()
    database = sqlite3.connect(tmp_path / "journal.db")
    assert database.execute("PRAGMA user_version").fetchone() == (added.version,)
    assert database.execute("SELECT count(*) FROM more").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    database.close()


def test_an_older_journal_that_cannot_be_brought_up_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = SqliteJournal(tmp_path)
    begun(journal)
    journal.close()
    bad = Migration(schema.VERSION + 1, "Bad.", ("CREATE TABLE a (b)", "CREATE TABLE a (b)"))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, bad))
    for module in (schema, opening):
        monkeypatch.setattr(module, "VERSION", bad.version)
    assert code_of(SqliteJournal(tmp_path).runs) == "E-JOURNAL-IO"


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\0"])
def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.db").write_bytes(content)
    assert code_of(SqliteJournal(tmp_path).runs) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-DAMAGED"
    assert (tmp_path / "journal.db").read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "journal.db")
    database.execute("CREATE TABLE theirs (a)")
    database.close()
    assert code_of(SqliteJournal(tmp_path).runs) == "E-JOURNAL-DAMAGED"
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-DAMAGED"


def test_an_empty_file_is_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    journal = SqliteJournal(tmp_path)
    assert journal.runs() == []
    journal.begin(start())
    journal.close()


@pytest.mark.parametrize("place", ["file/journal", "file"])
def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    assert code_of(lambda: SqliteJournal(tmp_path / place).begin(start())) == "E-JOURNAL-UNWRITABLE"


def test_a_folder_in_the_databases_place_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    assert code_of(lambda: SqliteJournal(tmp_path).begin(start())) == "E-JOURNAL-UNWRITABLE"
    assert code_of(SqliteJournal(tmp_path).runs) in ("E-JOURNAL-UNWRITABLE", "E-JOURNAL-IO")


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".hidden", "x" * 200, "a b"])
def test_what_is_no_id_is_refused(tmp_path: Path, run: str) -> None:
    with pytest.raises(ValueError, match="not a run id"):
        SqliteJournal(tmp_path).begin(start(id=run))
