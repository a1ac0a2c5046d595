"""What a worker is given of the environment, and where what it prints goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.tools.worker.environment import worker_environ
from agentcli.tools.worker.log import MOST, ToolLog
from tests.fakes.engine import MarkingRedactor


def log_of(path: Path, **secrets: str) -> ToolLog:
    return ToolLog(path, MarkingRedactor(secrets).stream())


def test_programs_get_what_they_need_and_nothing_that_could_be_a_secret() -> None:
    environ = {
        "PATH": "/bin",
        "LC_TIME": "C",
        "OPENAI_API_KEY": "sk-1",
        "ODD": "sk-2",
        "AGENTCLI_MODEL": "x",
        "LAB": "granted",
        "HTTPS_PROXY": "http://me:secret@proxy:1",
        "HTTP_PROXY": "http://proxy:1",
    }
    expected = {"PATH": "/bin", "LC_TIME": "C", "LAB": "granted", "HTTP_PROXY": "http://proxy:1"}
    assert worker_environ(environ, ["LAB", "NOT_SET"]) == expected


def test_what_is_printed_is_kept_beside_the_journal_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tools.log"
    log = log_of(path, key="sk-live-1")
    assert not path.exists()
    for part in ("the key is sk-", "live-1 ", "and ä"):
        log.write(part.encode())
    log.write("ö".encode()[:1])
    log.close()
    assert path.read_text() == "the key is <secret:key> and ä�"
    assert path.stat().st_mode & 0o777 == 0o600
    more = log_of(path)
    more.write(b" more")
    more.close()
    assert path.read_text().endswith(" more")


def test_nothing_printed_makes_no_file(tmp_path: Path) -> None:
    log_of(tmp_path / "tools.log").close()
    assert not (tmp_path / "tools.log").exists()


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "tools.log"
    for _ in range(2):
        log = log_of(path)
        for _ in range(30):
            log.write(b"x" * 99_999 + b" ")
        log.close()
        assert path.stat().st_size <= 2 * MOST
    path.write_bytes(b"y" * (MOST + 1))
    log = log_of(path)
    log.write(b"new ")
    log.close()
    assert path.read_text() == "new "


@pytest.mark.parametrize("target", ["/dev/full", "elsewhere"])
def test_a_log_that_cannot_be_written_troubles_nobody(tmp_path: Path, target: str) -> None:
    path = tmp_path / "tools.log"
    path.symlink_to(target)
    log = log_of(path)
    log.write(b"words ")
    log.write(b"words ")
    log.close()
    assert not (tmp_path / "elsewhere").exists()
