"""Old recordings: every version of the schema has a sample that must load for good."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentcli.journal.schema import MIGRATIONS, VERSION
from tests.fakes.journals import change, opened
from tests.fakes.recorded import start
from tests.recordings.record import HERE, as_read

SAMPLES = sorted(path for path in HERE.iterdir() if (path / "journal").exists())


def version_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def copy(sample: Path, folder: Path) -> Path:
    shutil.copytree(sample / "journal", folder)
    return folder


def test_every_older_version_has_a_sample() -> None:
    older = {f"version-{one.version}" for one in MIGRATIONS if one.version < VERSION}
    assert older <= {path.name for path in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_reads_as_when_it_was_recorded_before_and_after_it_is_migrated(sample: Path, tmp_path: Path) -> None:
    folder = copy(sample, tmp_path / "journal")
    recorded = [json.loads(line) for line in (sample / "runs.jsonl").read_text().splitlines()]
    with opened(folder) as journal:
        assert json.loads(json.dumps(as_read(journal))) == recorded
        journal.import_run(start(9), [], None)
        assert json.loads(json.dumps(as_read(journal)))[:5] == recorded[:5]
    assert version_of(folder) == VERSION
    with opened(folder) as journal:
        everything = json.loads(json.dumps(as_read(journal)))
        assert [run for run in everything if run["start"]["id"] != start(9).id] == recorded


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_that_may_not_be_changed_is_read_all_the_same(sample: Path, tmp_path: Path) -> None:
    folder = copy(sample, tmp_path / "journal")
    (folder / "locks").touch()  # the folder for locks cannot be made: nothing can be written
    before = (folder / "journal.db").read_bytes()
    recorded = [json.loads(line) for line in (sample / "runs.jsonl").read_text().splitlines()]
    with opened(folder) as journal:
        assert json.loads(json.dumps(as_read(journal))) == recorded
    assert (folder / "journal.db").read_bytes() == before


def test_an_event_that_was_damaged_before_the_migration_is_named_after_it(tmp_path: Path) -> None:
    folder = copy(HERE / "version-1", tmp_path / "journal")
    last = "(SELECT max(seq) FROM events WHERE run = 1)"
    change(folder, f"UPDATE events SET body = x'05' WHERE run = 1 AND seq = {last}")
    with opened(folder) as journal:
        checked = next(iter(journal.verify_all()))
        assert not checked.intact
        assert checked.problems[0].seq == checked.events


def test_an_event_that_was_changed_before_the_migration_is_named_after_it(tmp_path: Path) -> None:
    folder = copy(HERE / "version-1", tmp_path / "journal")
    change(folder, "UPDATE events SET time = time + 1 WHERE run = 1 AND seq = 3")
    with opened(folder) as journal:
        assert next(iter(journal.verify_all())).problems[0].seq == 3
