"""No part of a key is shown: not in what a change would do, not in what a search finds, however large the file is."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest

from agentcli.tools.line_search import HELD
from tests.cli.conftest import Cli

_BYTES = random.Random(3).randbytes(1200)
_LINES = [base64.b64encode(_BYTES[at : at + 48]).decode() for at in range(0, 1200, 48)]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *_LINES, "-----END RSA PRIVATE KEY-----", ""])


@pytest.fixture
def cli(isolated: Path) -> Cli:
    return Cli(isolated)


def shown_of_key(text: str) -> list[str]:
    return [line for line in _LINES if line in text]


def test_the_difference_before_a_change_shows_no_line_of_a_key(cli: Cli, isolated: Path) -> None:
    (isolated / "server.pem").write_text(f"# old\n{KEY}")
    for words in (["edit_file", "path=server.pem", "old=# old", "new=# new"], ["delete_file", "path=server.pem"]):
        result = cli("tools", "call", *words, "--json")
        assert result.code == 5
        (asked,) = [
            event for event in map(json.loads, result.out.splitlines()) if event["type"] == "approval.requested"
        ]
        assert "# old" in asked["preview"]
        assert shown_of_key(result.out) == shown_of_key(cli("runs", "show", "--json").out) == []


def test_the_difference_after_a_change_shows_none_either(cli: Cli, isolated: Path) -> None:
    (isolated / "server.pem").write_text(f"# old\n{KEY}")
    result = cli("tools", "call", "edit_file", "path=server.pem", "old=# old", "new=# new", "-y", "--json")
    assert result.code == 0
    assert shown_of_key(result.out) == []
    assert (isolated / "server.pem").read_text() == f"# new\n{KEY}"


@pytest.mark.parametrize("filler", [10, HELD // 16 + 1])
@pytest.mark.parametrize("tool", [["grep_file", "path=dump.txt"], ["search_files"]])
def test_a_search_shows_no_line_of_a_key(cli: Cli, isolated: Path, tool: list[str], filler: int) -> None:
    (isolated / "dump.txt").write_text("a line of words\n" * filler + KEY)
    result = cli("tools", "call", *tool, f"pattern={_LINES[7][:20].replace('+', '.')}", "--json")
    assert result.code == 0
    (done,) = [event for event in map(json.loads, result.out.splitlines()) if event["type"] == "tool.completed"]
    assert f":{filler + 9}: " in f":{done['result']}" or f"{filler + 9}: " in done["result"]
    assert shown_of_key(result.out) == []
    assert done["files"][0]["masked"] is True
