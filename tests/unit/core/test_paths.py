from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.paths import MAX_PATH_BYTES, fold, relative_parts, shown
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError

NAMES = st.sampled_from(["a", "b.txt", ".", "..", "", "…", "x y"])


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a", ("a",)),
        ("./a", ("a",)),
        ("a//b/./c", ("a", "b", "c")),
        ("a/../b", ("b",)),
        ("a/b/../../c", ("c",)),
        (".", ()),
        ("a/..", ()),
        ("a/", ("a",)),
        ("...", ("...",)),
        ("~/a", ("~", "a")),
        ("a\\b", ("a\\b",)),
        (" a", (" a",)),
    ],
)
def test_a_path_is_read_lexically(path: str, parts: tuple[str, ...]) -> None:
    assert relative_parts(path) == parts


@pytest.mark.parametrize("path", ["/", "/etc/passwd", "//host/x", "..", "../a", "a/../../a", "./..", "a/../../ws/a"])
def test_a_path_that_leaves_the_workspace_is_refused(path: str) -> None:
    with pytest.raises(ToolRefusedError) as caught:
        relative_parts(path)
    assert caught.value.code == "E-PATH-OUTSIDE"
    assert "list_files" in caught.value.info.fix


@pytest.mark.parametrize(
    "path",
    [
        "",
        "  ",
        "a\0b",
        "a\nb",
        "a\x1b[2Jb",
        "a\x7f",
        "a\ud800b",
        "\udcff",
        "n" * 256,
        "ü" * 128,
        "a/" * MAX_PATH_BYTES,
    ],
)
def test_what_cannot_be_a_path_is_refused(path: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        relative_parts(path)
    assert caught.value.code == "E-PATH-INVALID"
    assert all(char.isprintable() for char in caught.value.info.what)


@given(st.lists(NAMES, min_size=1, max_size=8).map("/".join))
def test_reading_agrees_with_the_systems_own_normalisation(path: str) -> None:
    try:
        parts = relative_parts(path)
    except ToolError:
        assert not path.strip() or path.startswith("/") or _climbs(path)
    else:
        assert "/".join(parts) == posixpath.normpath(path).removeprefix(".")
        assert relative_parts("/".join(parts) or ".") == parts


def _climbs(path: str) -> bool:
    depth = 0
    for name in path.split("/"):
        depth += -1 if name == ".." else name not in ("", ".")
        if depth < 0:
            return True
    return False


@given(st.text(max_size=300))
def test_any_text_is_a_confined_path_or_a_clear_refusal(path: str) -> None:
    try:
        parts = relative_parts(path)
    except ToolError as error:
        refusal = error.info
    else:
        assert not any(name in ("", ".", "..") or "/" in name or "\0" in name for name in parts)
        return
    assert refusal.code in ("E-PATH-INVALID", "E-PATH-OUTSIDE")
    assert refusal.what.isprintable()


@pytest.mark.parametrize(
    "spelling",
    [".ENV", ".Env", ".env.", ".env ", ".env. .", "\uff0eenv", ".e\u200dnv", ".\u200benv", ".\ufeffenv", ".\uff45nv"],
)
def test_spellings_that_some_file_system_takes_for_the_same_fold_together(spelling: str) -> None:
    assert fold(spelling) == ".env"


@given(st.text(max_size=50))
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


def test_a_long_or_unprintable_path_is_shown_short_and_on_one_line() -> None:
    assert shown("a\nb\x1b") == "a�b�"
    assert len(shown("x" * 500)) < 90
