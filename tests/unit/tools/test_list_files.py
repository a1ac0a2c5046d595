from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tools.conftest import Build, Call, Fail


@pytest.fixture
def tree(root: Path) -> Path:
    for path in ("README.md", "src/app.py", "src/deep/x.py", "src/data.json", ".env", "node_modules/m/i.js"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    return root


@pytest.mark.parametrize(
    ("glob", "files"),
    [
        ("src/**/*.py", ["src/app.py", "src/deep/x.py"]),
        ("src/*", ["src/app.py", "src/data.json"]),
        ("src", ["src/app.py", "src/data.json", "src/deep/x.py"]),
        ("./src/", ["src/app.py", "src/data.json", "src/deep/x.py"]),
        ("/src/deep", ["src/deep/x.py"]),
        ("*.{md,txt}", ["README.md"]),
        ("README.md", ["README.md"]),
        ("node_modules/**", ["node_modules/m/i.js"]),
    ],
)
def test_files_are_listed_as_models_ask_for_them(call: Call, tree: Path, glob: str, files: list[str]) -> None:
    result = call("list_files", glob=glob)
    assert result.content == "\n".join(files)
    assert result.data == {"files": files, "complete": True}


@pytest.mark.parametrize("glob", [None, "", ".", "/", "./", "**", "**/*"])
def test_everything_is_listed_by_default_and_what_is_not_is_said(call: Call, tree: Path, glob: str | None) -> None:
    content = call("list_files", glob=glob).content
    assert content == "README.md\nsrc/app.py\nsrc/data.json\nsrc/deep/x.py\n[not listed: node_modules]"


def test_nothing_found_suggests_to_look_deeper(call: Call, tree: Path) -> None:
    assert call("list_files", glob="app.py").content == "[no file matches; try **/app.py]"
    assert "try" not in call("list_files", glob="lib/*.py").content


def test_an_empty_workspace_has_no_files(call: Call) -> None:
    assert call("list_files").content == "[no file matches]"


def test_a_long_list_is_cut_and_says_so(call: Call, root: Path) -> None:
    for number in range(30):
        (root / f"{number:02}").write_text("")
    result = call("list_files", {"max_files": 3})
    assert result.content == "00\n01\n02\n[only the first 3 files are listed; narrow the glob to see others]"
    assert result.data["complete"] is False


def test_a_name_that_would_break_its_line_is_quoted(call: Call, root: Path) -> None:
    (root / "a\nb").write_text("")
    (root / "c\u202ed").write_text("")
    assert call("list_files").content == '"a\\nb"\n"c\\u202ed"'


@pytest.mark.parametrize("glob", ["../*", "src/../../*", ".."])
def test_a_glob_that_leads_out_is_refused(fail: Fail, glob: str) -> None:
    error = fail("list_files", glob=glob)
    assert (error.code, error.status) == ("E-PATH-OUTSIDE", "denied")


@pytest.mark.parametrize("glob", ["[a", "{a,b}" * 7])
def test_a_glob_that_cannot_be_read_says_why(fail: Fail, glob: str) -> None:
    assert fail("list_files", glob=glob).code == "E-TOOL-PATTERN"


def test_what_cannot_be_read_is_counted(call: Call, root: Path) -> None:
    (root / "bad\udcff").write_text("")
    assert call("list_files", glob="**").content == "[no file matches; 1 could not be read]"


def test_parsing_gives_the_canonical_glob(build: Build) -> None:
    assert build("list_files").parse({"glob": " ./src//*.py"}) == {"glob": "src/*.py"}
    assert build("list_files").parse({}) == {"glob": "**/*"}
