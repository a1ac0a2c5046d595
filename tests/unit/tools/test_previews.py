"""What a call would change, before it does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.tools import Preview
from agentcli.engine.ports import Previewing
from agentcli.errors import ToolError
from tests.unit.tools.conftest import Build


@pytest.fixture
def shown(build: Build, root: Path) -> Any:
    """The preview of a call; nothing may change meanwhile."""

    def do(name: str, /, **arguments: Any) -> Preview | None:
        tool = build(name)
        assert isinstance(tool, Previewing)
        before = {path: path.read_bytes() for path in root.iterdir()}
        try:
            return asyncio.run(tool.preview(tool.parse(arguments)))
        finally:
            assert {path: path.read_bytes() for path in root.iterdir()} == before

    (root / "a").write_text("one\n")
    (root / "b").write_text("two\n")
    return do


def test_a_new_file_is_all_in_its_arguments(shown: Any) -> None:
    assert shown("create_file", path="new", content="x") is None


def test_a_file_that_is_replaced_is_compared(shown: Any) -> None:
    found = shown("create_file", path="a", content="1\n", overwrite=True)
    assert found == Preview("--- a\n+++ a\n@@ -1,1 +1,1 @@\n-one\n+1", (b"one\n", b"1\n"))
    with pytest.raises(ToolError, match="already exists"):
        shown("create_file", path="a", content="1\n")
    assert shown("create_file", path="a", content="one\n").text == "a: its content stays the same"


def test_a_file_that_is_deleted_is_shown(shown: Any) -> None:
    assert shown("delete_file", path="a").text == "--- a\n+++ a\n@@ -1,1 +0,0 @@\n-one"


def test_a_move_is_told_and_what_it_replaces_is_compared(shown: Any) -> None:
    assert shown("move_file", **{"from": "a", "to": "c"}).text == "a (4 bytes) becomes c"
    found = shown("move_file", **{"from": "a", "to": "b", "overwrite": True})
    assert found.text == "--- b\n+++ b, which is now a\n@@ -1,1 +1,1 @@\n-two\n+one"


def test_a_call_that_would_not_work_says_so(shown: Any) -> None:
    with pytest.raises(ToolError, match="does not stand"):
        shown("edit_file", path="a", old="zzz", new="")


def test_what_only_reads_shows_nothing(shown: Any) -> None:
    assert shown("read_lines", path="a") is None
