"""Old recordings: every version of the schema has a sample that must load for good."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentcli.journal.schema import MIGRATIONS, VERSION
from tests.fakes.journals import opened
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
