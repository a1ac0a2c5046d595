"""Whatever stops a prune, every run that is left is whole, and the next prune removes what is left over."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentcli.errors import StorageError
from tests.fakes.journals import opened
from tests.fakes.pruned import all_rows, large, leftovers, problems_in, reading, recorded_with
from tests.unit.journal.test_durability import small_disk

__all__ = ["small_disk"]

REPO = Path(__file__).resolve().parents[3]


def pruning(
    folder: Path, keep: int, seconds: float = 0, *words: str, limits: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fakes.pruning_process", str(folder), str(keep), str(seconds), *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=REPO, preexec_fn=limits, check=False)


async def many_runs(folder: Path, count: int) -> None:
    """They share contents of all kinds with their neighbours."""
    with opened(folder) as journal:
        for number in range(1, count + 1):
            contents = [large(number // 3), *(b"%d of some " % (number // step) * 300 for step in (1, 2, 5))]
            await recorded_with(journal, number, *contents)


async def test_a_prune_that_is_killed_leaves_whole_runs(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    await many_runs(whole, 60)
    with opened(whole) as journal:
        before = reading(journal, [row.start.id for row in all_rows(journal)])
    dice, counts = random.Random(20261121), set()
    for number in range(15):
        folder = tmp_path / str(number)
        shutil.copytree(whole, folder)
        done = pruning(folder, 5, dice.uniform(0.0005, 0.05))
        assert done.returncode in (0, -signal.SIGALRM)
        with opened(folder) as journal:
            left = [row.start.id for row in all_rows(journal)]
            counts.add(len(left))
            assert reading(journal, left) == {run: before[run] for run in left}
            journal.pruner().prune(all_rows(journal)[5:])
            left = [row.start.id for row in all_rows(journal)]
            assert len(left) == 5
            assert reading(journal, left) == {run: before[run] for run in left}
            assert leftovers(folder, journal) == []
        assert sorted(path.name for path in (folder / "locks").iterdir()) == ["turn"]
    assert len(counts) > 1, "none was killed in the middle"


def small_files() -> None:
    """For the child: no file grows beyond this, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


async def test_a_disk_that_is_full_is_told_and_loses_nothing(tmp_path: Path) -> None:
    await many_runs(tmp_path, 400)
    with opened(tmp_path) as journal:
        before = reading(journal, [row.start.id for row in all_rows(journal)])
    done = pruning(tmp_path, 5, limits=small_files)
    assert (done.returncode, done.stdout.strip()) in ((1, "E-JOURNAL-FULL"), (1, "E-JOURNAL-IO"))
    with opened(tmp_path) as journal:
        left = [row.start.id for row in all_rows(journal)]
        assert reading(journal, left) == {run: before[run] for run in left}
    assert pruning(tmp_path, 5).returncode == 0
    with opened(tmp_path) as journal:
        assert len(all_rows(journal)) == 5
        assert leftovers(tmp_path, journal) == []


def fill(path: Path) -> None:
    """Take all the space that is left."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 512):
            pass


async def test_a_full_disk_is_named_as_one(small_disk: Path) -> None:
    folder = small_disk / "journal"
    await many_runs(folder, 12)
    filler = small_disk / "filler"
    fill(filler)
    with opened(folder) as journal:
        rows = all_rows(journal)
        with pytest.raises(StorageError) as caught:
            journal.pruner().prune(rows)
        assert caught.value.code == "E-JOURNAL-FULL"
        assert problems_in(journal) == []
    filler.unlink()
    with opened(folder) as journal:
        journal.pruner().prune(all_rows(journal))
        assert leftovers(folder, journal) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach: those above `tmp_path` are for their owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="agentcli-open-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(folder)


async def test_a_journal_that_may_not_be_written_is_told_as_that(open_folder: Path) -> None:
    folder = open_folder / "journal"
    await many_runs(folder, 3)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = pruning(folder, 1, 0, "nobody")
    assert (done.returncode, done.stdout.strip()) == (1, "E-JOURNAL-UNWRITABLE")
    with opened(folder) as journal:
        assert len(all_rows(journal)) == 3
