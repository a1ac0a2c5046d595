from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.tools import FileChange
from agentcli.tools.context import ToolContext
from agentcli.tools.grep_file import GrepFileArguments, GrepFileOptions, build
from tests.unit.tools.conftest import Call, Fail


@pytest.fixture
def code(root: Path) -> Path:
    path = root / "app.py"
    path.write_text("import os\n\ndef main():\n    return os\n\n# TODO: main\n")
    return path


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("main", "3: def main():\n6: # TODO: main"),
        ("^import", "1: import os"),
        ("os$", "1: import os\n4:     return os"),
        ("(?i)todo|DEF", "3: def main():\n6: # TODO: main"),
        ("^$", "2: \n5: "),
        (r"main\(", "3: def main():"),
        ("nothing", "[no line matches]"),
        (r"os\n", "[no line matches]"),
        ("x*", "1: import os\n2: \n3: def main():\n4:     return os\n5: \n6: # TODO: main"),
    ],
)
def test_matching_lines_come_with_their_numbers(call: Call, code: Path, pattern: str, content: str) -> None:
    assert call("grep_file", path="app.py", pattern=pattern).content == content


def test_the_file_is_on_record(call: Call, code: Path) -> None:
    assert call("grep_file", path="app.py", pattern="x").files == (FileChange("app.py", before=code.read_bytes()),)


def test_line_ends_of_either_kind_end_a_line(call: Call, root: Path) -> None:
    (root / "dos").write_bytes(b"one\r\ntwo\r\n")
    assert call("grep_file", path="dos", pattern="o$|^o").content == "1: one\n2: two"


def test_no_match_spans_lines(call: Call, root: Path) -> None:
    (root / "f").write_text("a\nb\n")
    assert call("grep_file", path="f", pattern=r"a\s*b").content == "[no line matches]"
    assert call("grep_file", path="f", pattern="[^x]+").content == "1: a\n2: b"


def test_an_empty_file_has_no_matching_line(call: Call, root: Path) -> None:
    (root / "empty").write_text("")
    (root / "ends").write_text("a\n")
    assert call("grep_file", path="empty", pattern="x*").content == "[no line matches]"
    assert call("grep_file", path="ends", pattern=r"^$|\z").content == "[no line matches]"


def test_many_matches_are_counted_and_cut(call: Call, root: Path) -> None:
    (root / "many").write_text("x\n" * 500)
    content = call("grep_file", {"max_lines": 2}, path="many", pattern="x").content
    assert content == "1: x\n2: x\n[2 of 500 matching lines; narrow the pattern to see others]"


def test_very_many_matches_are_not_counted_to_the_end(call: Call, root: Path) -> None:
    (root / "many").write_text("x\n" * 20_000)
    content = call("grep_file", {"max_lines": 1}, path="many", pattern="x").content
    assert content == "1: x\n[1 of more than 10,000 matching lines; narrow the pattern to see others]"


def test_a_long_line_is_shown_around_its_match(call: Call, root: Path) -> None:
    (root / "long").write_text("é" * 3000 + "needle" + "é" * 3000)
    content = call("grep_file", path="long", pattern="needle").content
    assert "needle" in content
    assert content.startswith("1: [2,")
    assert content.endswith("characters more]")
    assert len(content) < 600


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("foo(", "missing )"),
        ("(?=x)", "at character 1"),
        (r"(a)\1", r"at character 4"),
        ("a{1001}", "repetition"),
        ("((a{100}){100}){100}", "repetition"),
        (r"\pN{1000}" * 20, "too large"),
        ("[z-a]", "at character 2"),
        ("a)(b", "unexpected )"),
        ("(?P<x", "invalid named capture"),
        ("\\", "trailing"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why_and_where(fail: Fail, code: Path, pattern: str, said: str) -> None:
    error = fail("grep_file", path="app.py", pattern=pattern)
    assert error.code == "E-TOOL-PATTERN"
    assert said in error.info.what
    assert "RE2" in error.info.why
    assert error.__cause__ is not None


def test_the_fix_finds_the_text_as_it_stands(call: Call, fail: Fail, root: Path) -> None:
    (root / "f").write_text("call foo(bar\n")
    literal = fail("grep_file", path="f", pattern="foo(").info.fix.rpartition(" ")[2]
    assert call("grep_file", path="f", pattern=literal).content == "1: call foo(bar"


@pytest.mark.parametrize("arguments", [{}, {"path": "a"}, {"pattern": "x"}, {"path": "a", "pattern": ""}])
def test_missing_arguments_are_named(fail: Fail, arguments: dict[str, str]) -> None:
    assert fail("grep_file", **arguments).code == "E-TOOL-ARGUMENTS"


def test_a_folder_is_refused_with_the_way_to_list_it(fail: Fail, root: Path) -> None:
    (root / "src").mkdir()
    assert "list_files" in fail("grep_file", path="src", pattern="x").info.fix


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a?){50}a{50}", "([a-z]+)*9"])
def test_a_hostile_pattern_takes_time_in_proportion_to_the_file(call: Call, root: Path, pattern: str) -> None:
    (root / "a").write_text("a" * 20_000 + "!")
    began = time.process_time()
    call("grep_file", path="a", pattern=pattern)
    assert time.process_time() - began < 2


class Memory:
    def __init__(self, text: str) -> None:
        self._data = text.encode()

    def check(self, path: str) -> str:
        return path

    @contextmanager
    def reading(self, path: str) -> Iterator[io.BytesIO]:
        yield io.BytesIO(self._data)


@given(
    st.lists(st.text(alphabet="abé \t", max_size=8), min_size=1, max_size=20),
    st.sampled_from(["a", "^b", "é$", "a.b", "^$", "a*", "[^a]", "b|é", r"\s", "(?i)A+B"]),
    st.booleans(),
)
def test_it_finds_the_lines_that_a_loop_over_the_lines_finds(lines: list[str], pattern: str, ended: bool) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    workspace: Any = Memory(text)
    content = (
        build(ToolContext(workspace), GrepFileOptions()).work(GrepFileArguments(path="f", pattern=pattern)).content
    )
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    found = [f"{number}: {line}" for number, line in enumerate(expected, 1) if re.search(pattern, line)]
    assert content == ("\n".join(found) or "[no line matches]")
