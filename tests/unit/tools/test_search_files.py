from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from agentcli.core.tools import FileChange
from agentcli.tools.line_search import HELD
from tests.unit.tools.conftest import Build, Call, Fail


@pytest.fixture
def code(root: Path) -> Path:
    for name, text in {
        "src/app.py": "import os\n# todo: one\n",
        "src/lib/util.py": "# todo: two\n",
        "notes.md": "nothing\ntodo three\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_matching_lines_come_with_path_and_number(call: Call, code: Path) -> None:
    result = call("search_files", pattern="todo")
    assert result.content == "notes.md:2: todo three\nsrc/app.py:2: # todo: one\nsrc/lib/util.py:1: # todo: two"
    assert result.data == {"lines": 3, "matches": 3, "files": 3, "complete": True}
    assert result.files[0] == FileChange("notes.md", before=b"nothing\ntodo three\n")


def test_a_glob_says_where(call: Call, code: Path) -> None:
    assert call("search_files", pattern="todo", glob="src/*.py").content == "src/app.py:2: # todo: one"
    assert call("search_files", pattern="todo", glob="src").content.count("\n") == 1
    assert call("search_files", pattern="todo", glob="*.rs").content == "[no file to search]"


def test_no_match_says_how_much_was_searched(call: Call, code: Path) -> None:
    assert call("search_files", pattern="zzz").content == "[no line of 3 files matches]"


def test_many_matches_are_counted_and_cut(call: Call, root: Path) -> None:
    for name in ("a", "b", "c"):
        (root / name).write_text("x\n" * 3)
    result = call("search_files", {"max_lines": 4}, pattern="x")
    assert result.content == (
        "a:1: x\na:2: x\na:3: x\nb:1: x\n[4 of 9 matching lines; narrow the pattern or the glob to see others]"
    )
    assert [change.path for change in result.files] == ["a", "b"]
    assert result.data["complete"] is False


def test_the_search_ends_where_nobody_would_count_on(call: Call, root: Path) -> None:
    (root / "a").write_text("x\n" * 20_000)
    (root / "b").write_text("x\n")
    content = call("search_files", {"max_lines": 1}, pattern="x").content
    assert content == "a:1: x\n[1 of more than 10,000 matching lines; narrow the pattern or the glob to see others]"


def test_what_is_no_text_is_passed_over_and_counted(call: Call, code: Path) -> None:
    (code / "image.png").write_bytes(b"\x89PNG\0todo")
    assert call("search_files", pattern="todo").content.endswith("[passed over: 1 file without text]")


def test_what_gitignore_names_is_left_out_unless_it_is_asked_for(call: Call, code: Path) -> None:
    (code / ".gitignore").write_text("# built\n\nlib/\n*.md\n!notes.md\n")
    assert call("search_files", pattern="todo").content == (
        "notes.md:2: todo three\nsrc/app.py:2: # todo: one\n[1 name left out by .gitignore]"
    )
    assert call("search_files", pattern="todo", ignored=True).content.count("todo") == 3


def test_the_nearest_ignore_file_decides(call: Call, code: Path) -> None:
    (code / ".gitignore").write_text("*.py\n")
    (code / "src" / ".gitignore").write_text("!app.py\n")
    content = call("search_files", pattern="todo", glob="**/*.py").content
    assert content == "src/app.py:2: # todo: one\n[1 name left out by .gitignore]"


def test_an_ignore_file_that_cannot_be_used_is_told_of(call: Call, code: Path) -> None:
    (code / ".gitignore").write_text("\n".join(f"x{number}" for number in range(301)))
    (code / "src" / ".gitignore").write_bytes(b"x" * 20_000)
    content = call("search_files", pattern="todo").content
    assert content.endswith("[not used: .gitignore, src/.gitignore]")
    assert content.count("todo") == 3


HOSTILE = {
    "stars": "a*" * 100 + "b",
    "folders": "**/a*/" * 200 + "b",
    "many": "\n".join(f"*a{number}*b*c*" for number in range(300)),
    "classes": "[!" + "a-z" * 500 + "]",
    "open": "[a-" * 300,
    "slashes": "\\" * 1001,
    "long": ("*a*b*c" * 25 + "\n") * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_ignore_file_takes_no_time(call: Call, root: Path, name: str) -> None:
    (root / "a").write_text("x")
    (root / ".gitignore").write_text("b\n")
    call("search_files", pattern="x")  # what is loaded once does not count
    (root / ".gitignore").write_text(HOSTILE[name])
    (root / ("a" * 250)).write_text("x")
    times = []
    for _ in range(5):
        began = time.process_time()
        call("search_files", pattern="x")
        times.append(time.process_time() - began)
    assert min(times) < 0.05


def test_hidden_files_and_links_are_not_searched(call: Call, code: Path) -> None:
    (code / ".env").write_text("todo")
    (code.parent / "secret.txt").write_text("todo")
    (code / "out").symlink_to(code.parent)
    assert "secret" not in call("search_files", pattern="todo", glob="**").content
    assert ".env" not in call("search_files", pattern="todo", ignored=True).content


def test_folders_of_tools_are_passed_over_and_named(call: Call, code: Path) -> None:
    (code / "node_modules").mkdir()
    (code / "node_modules" / "x.js").write_text("todo")
    assert call("search_files", pattern="todo").content.endswith("[not searched: node_modules]")


def test_a_name_that_would_break_the_line_is_quoted(call: Call, root: Path) -> None:
    (root / "a\u202eb").write_text("x")
    (root / "c\nd").write_text("x")  # no tool takes such a path
    assert call("search_files", pattern="x").content == '"a\\u202eb":1: x\n[1 could not be read]'


def test_a_glob_that_leads_outside_and_a_pattern_that_is_none_are_refused(fail: Fail, code: Path) -> None:
    assert fail("search_files", pattern="x", glob="../*").code == "E-PATH-OUTSIDE"
    assert fail("search_files", pattern="x", glob="[").code == "E-TOOL-PATTERN"
    assert fail("search_files", pattern="(").code == "E-TOOL-PATTERN"


def test_a_search_that_nobody_waits_for_stops(build: Build, root: Path) -> None:
    for number in range(3):
        with (root / f"big{number}").open("wb") as file:
            file.write(b"a line of text\n" * 70_000)
            file.truncate(1 << 30)
    tool = build("search_files")

    async def cancelled() -> None:
        await asyncio.wait_for(tool.call(tool.parse({"pattern": "zzz"})), 0.05)

    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())  # ends when its thread has ended
    assert time.perf_counter() - began < 1.5


def test_not_all_that_is_shown_is_held(call: Call, root: Path) -> None:
    for name in ("a", "b"):
        (root / name).write_bytes(b"x\n" + b" " * 99 * 1024 + b"\n" + (b" " * 1023 + b"\n") * 9 * 1024)
    changes = call("search_files", pattern="x").files
    assert changes[0].before is not None
    assert changes[1].digest is not None
    assert sum(len(change.before or b"") for change in changes) <= HELD
