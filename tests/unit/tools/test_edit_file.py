from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.tools import FileChange
from agentcli.errors import ToolError
from agentcli.tools.editing import edited
from tests.unit.tools.conftest import Call, Fail


@pytest.fixture
def app(root: Path) -> Path:
    path = root / "app.py"
    path.write_text("import os\n\ndef main():\n    return 1\n\ndef other():\n    return 2\n")
    return path


def test_one_piece_is_replaced_and_the_result_is_a_diff(call: Call, app: Path) -> None:
    before = app.read_bytes()
    result = call("edit_file", path="./app.py", old="return 1\n", new="return 10\n")
    assert result.content == (
        "edited app.py in 1 place\n--- app.py\n+++ app.py\n@@ -1,7 +1,7 @@\n import os\n \n def main():\n"
        "-    return 1\n+    return 10\n \n def other():\n     return 2"
    )
    assert app.read_bytes() == before.replace(b"return 1\n", b"return 10\n")
    assert result.files == (FileChange("app.py", before, app.read_bytes(), changed=True, mode=0o644),)


def test_everything_is_replaced_where_that_is_asked(call: Call, app: Path) -> None:
    assert call("edit_file", path="app.py", old="return", new="yield", all=True).content.startswith(
        "edited app.py in 2 p"
    )
    assert app.read_text().count("yield") == 2


def test_what_stands_there_twice_is_told_with_its_lines(fail: Fail, app: Path) -> None:
    before = app.read_bytes()
    error = fail("edit_file", path="app.py", old="return", new="yield")
    assert (error.code, error.info.what) == ("E-EDIT-AMBIGUOUS", "`old` stands 2 times in `app.py`, on lines 4, 7.")
    assert "all" in error.info.fix
    assert app.read_bytes() == before


def test_many_places_are_not_all_listed(fail: Fail, root: Path) -> None:
    (root / "f").write_text("x\n" * 12)
    assert fail("edit_file", path="f", old="x", new="y").info.what.endswith("on lines 1, 2, 3, 4, 5 and 7 more.")


def test_what_does_not_stand_there_is_told_with_the_nearest_line(fail: Fail, app: Path) -> None:
    error = fail("edit_file", path="app.py", old="  retrun 2", new="return 3")
    assert (error.code, error.info.what) == ("E-EDIT-NOT-FOUND", "`old` does not stand in `app.py`.")
    assert error.info.fix == "The nearest line is 7: `    return 2`. Copy it exactly, with its spaces."
    assert "read_lines" in fail("edit_file", path="app.py", old="%%%%%%%%", new="").info.fix


def test_an_edit_that_was_made_before_changes_nothing_and_says_so(call: Call, app: Path) -> None:
    call("edit_file", path="app.py", old="import os\n", new="import os\nimport sys\n")
    once = app.read_bytes()
    result = call("edit_file", path="app.py", old="import os\n", new="import os\nimport sys\n")
    assert result.content == "unchanged app.py: `new` stands there already, on line 1, and `old` nowhere else"
    assert result.files == (FileChange("app.py", once, once),)
    assert app.read_bytes() == once


def test_an_edit_that_would_never_come_to_an_end_is_refused(fail: Fail, root: Path) -> None:
    (root / "f").write_text("aab")
    assert fail("edit_file", path="f", old="ab", new="b").code == "E-EDIT-REPEATS"
    assert (root / "f").read_text() == "aab"


def test_line_ends_of_the_file_are_kept(call: Call, root: Path) -> None:
    (root / "dos").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    result = call("edit_file", path="dos", old="one\ntwo", new="one\n2\ntwo")
    assert (root / "dos").read_bytes() == b"one\r\n2\r\ntwo\r\nthree\r\n"
    assert "\\r" not in result.content


def test_a_change_of_the_line_end_alone_can_be_seen(call: Call, root: Path) -> None:
    (root / "mixed").write_bytes(b"one\r\ntwo\n")
    content = call("edit_file", path="mixed", old="one\r\n", new="one\n").content
    assert "-one\\r\n+one" in content


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_encoding_and_its_mark_are_kept(call: Call, root: Path, encoding: str) -> None:
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    before = mark + "grüße\nan alle\n".encode(encoding)
    (root / "f").write_bytes(before)
    call("edit_file", path="f", old="alle", new="Ärzte")
    after = (root / "f").read_bytes()
    assert after == mark + "grüße\nan Ärzte\n".encode(encoding)


def test_big_endian_stays_big_endian(call: Call, root: Path) -> None:
    (root / "f").write_bytes(b"\xfe\xff" + "one two".encode("utf-16-be"))
    call("edit_file", path="f", old="two", new="2")
    assert (root / "f").read_bytes() == b"\xfe\xff" + "one 2".encode("utf-16-be")


def test_what_the_encoding_of_the_file_cannot_hold_is_refused(fail: Fail, call: Call, root: Path) -> None:
    text = "Größe und Maße: hier steht ein längerer Satz, damit die Kodierung erkannt wird. Übung macht müde.\n" * 3
    (root / "latin").write_bytes(text.encode("cp1252"))
    assert fail("edit_file", path="latin", old="Maße", new="日本", all=True).code == "E-FILE-ENCODING"
    assert (root / "latin").read_bytes() == text.encode("cp1252")
    call("edit_file", path="latin", old="Maße", new="Längen", all=True)
    assert (root / "latin").read_bytes() == text.replace("Maße", "Längen").encode("cp1252")


def test_the_size_is_limited_before_and_after(fail: Fail, root: Path) -> None:
    (root / "f").write_text("x" * 50)
    assert fail("edit_file", {"max_bytes": 10}, path="f", old="x", new="y").code == "E-TOOL-TOO-LARGE"
    (root / "g").write_text("ab")
    assert fail("edit_file", {"max_bytes": 10}, path="g", old="a", new="y" * 10).code == "E-TOOL-TOO-LARGE"


def test_the_rights_of_the_file_stay(call: Call, app: Path) -> None:
    app.chmod(0o750)
    call("edit_file", path="app.py", old="import os", new="import sys")
    assert app.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    ("path", "code"),
    [("link", "E-PATH-SYMLINK"), ("no", "E-FILE-UNKNOWN"), (".git/x", "E-PATH-PROTECTED"), ("bin", "E-FILE-BINARY")],
)
def test_what_cannot_be_edited_stays(fail: Fail, root: Path, path: str, code: str) -> None:
    (root / "f").write_text("a")
    (root / "link").symlink_to("f")
    (root / ".git").mkdir()
    (root / ".git" / "x").write_text("a")
    (root / "bin").write_bytes(b"a\0")
    assert fail("edit_file", path=path, old="a", new="b").code == code
    assert ((root / "f").read_text(), (root / ".git" / "x").read_text()) == ("a", "a")


TEXTS = st.text(alphabet="ab\n", max_size=12)


@given(TEXTS, st.text(alphabet="ab\n", min_size=1, max_size=3), TEXTS, st.booleans())
def test_doing_it_twice_is_doing_it_once(text: str, old: str, new: str, everywhere: bool) -> None:
    def once(data: bytes) -> Any:
        try:
            return edited("f", data, old, new, everywhere=everywhere).after
        except ToolError as error:
            return error.code

    after = once(text.encode())
    if isinstance(after, bytes):
        assert once(after) in (after, "E-EDIT-NOT-FOUND")
