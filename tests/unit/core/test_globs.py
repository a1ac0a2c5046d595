from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.globs import MAX_ALTERNATIVES, GlobError, PathGlob, TextGlob


def matches(glob: str, path: str, *, folded: bool = False) -> bool:
    return PathGlob.parse(glob, folded=folded).matches(tuple(path.split("/")))


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("a", "a"),
        ("./a", "a"),
        ("*", "a"),
        ("*", ".hidden"),
        ("*.py", "a.py"),
        ("**/*.py", "a.py"),
        ("**/*.py", "x/y/a.py"),
        ("**", "a/b/c"),
        ("src/**", "src/a/b"),
        ("src/**", "src"),
        ("src/", "src/a"),
        ("src/**/b/*.c", "src/b/x.c"),
        ("src/**/b/*.c", "src/a/b/b/x.c"),
        ("a**b", "axxb"),
        ("a?c", "abc"),
        ("[a-c]x", "bx"),
        ("[!a-c]x", "dx"),
        ("[^a]x", "dx"),
        ("[]x]y", "]y"),
        ("[a-]", "-"),
        ("\\*", "*"),
        ("\\[x", "[x"),
        ("x\\", "x\\"),
        ("*.{ts,tsx}", "a.tsx"),
        ("{a,b/{c,d}}/e", "b/d/e"),
        ("{a}", "{a}"),
        ("a{b", "a{b"),
        ("a}b", "a}b"),
        ("\\{a,b}", "{a,b}"),
        ("a,b", "a,b"),
    ],
)
def test_a_path_is_meant(glob: str, path: str) -> None:
    assert matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("a", "A"),
        ("*", "a/b"),
        ("*.py", "x/a.py"),
        ("src/*", "src/a/b"),
        ("src/**", "srcx/a"),
        ("a?c", "a/c"),
        ("[a-c]x", "dx"),
        ("[!a-c]x", "ax"),
        ("**/b", "a/bc"),
        ("\\*", "a"),
        ("a*b*c", "a-b-d"),
        ("", "a"),
    ],
)
def test_a_path_is_not_meant(glob: str, path: str) -> None:
    assert not matches(glob, path)


@pytest.mark.parametrize("glob", ["[a", "[", "[]", "[z-a]", "../a", "a/../b", "{a,../b}", "{a,b}" * 7])
def test_a_pattern_that_cannot_be_read_says_so(glob: str) -> None:
    with pytest.raises(GlobError):
        PathGlob.parse(glob)


def test_braces_may_spell_out_a_bounded_number_of_patterns() -> None:
    PathGlob.parse("{" + ",".join("abcdefgh" * (MAX_ALTERNATIVES // 8)) + "}")
    with pytest.raises(GlobError, match="64"):
        TextGlob.parse("{" + ",".join("a" for _ in range(MAX_ALTERNATIVES + 1)) + "}")


def test_folded_patterns_ignore_case_and_lookalikes() -> None:
    assert matches("Secret.DB", "secret.db", folded=True)
    assert matches("*.db", "SECRET.DB.", folded=True)
    assert TextGlob.parse("Example.*", folded=True).matches("eXample.org")


def test_a_star_in_a_text_passes_slashes() -> None:
    assert TextGlob.parse("git *").matches("git log a/b")
    assert not TextGlob.parse("git").matches("git log")


def test_where_matches_can_lie_is_known() -> None:
    glob = PathGlob.parse("src/*/x/**/*.py")
    assert glob.may_hold(("src",))
    assert glob.may_hold(("src", "a"))
    assert glob.may_hold(("src", "a", "x", "deep", "er"))
    assert not glob.may_hold(("lib",))
    assert not glob.may_hold(("src", "a", "y"))
    assert not PathGlob.parse("*.py").may_hold(("src",))


def test_literal_names_are_known() -> None:
    assert PathGlob.parse(".git/*/con[f]ig/**/x").literal_names() == {".git", "x"}
    assert PathGlob.parse("a/{b,c}").ends_literally()
    assert not PathGlob.parse("a/{b,*}").ends_literally()
    assert not PathGlob.parse("a/**").ends_literally()


def test_a_hostile_pattern_costs_little() -> None:
    began = time.process_time()
    assert not matches("a*" * 200 + "b", "a" * 5000)
    assert not matches("**/a/" * 80 + "b", "/".join("a" * 1500))
    assert time.process_time() - began < 2


ALPHABET = st.text(alphabet="ab*?/[]{},\\!-.", max_size=20)


@given(ALPHABET, st.text(alphabet="ab/.", min_size=1, max_size=12))
def test_any_pattern_matches_or_is_refused(glob: str, path: str) -> None:
    try:
        parsed = PathGlob.parse(glob)
    except GlobError:
        return
    parts = tuple(path.split("/"))
    if parsed.matches(parts):
        assert all(parsed.may_hold(parts[:end]) for end in range(1, len(parts)))


@given(st.text(alphabet="ab*?", max_size=10), st.text(alphabet="ab", max_size=10))
def test_stars_agree_with_regular_expressions(glob: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in glob)
    assert TextGlob.parse(glob).matches(text) == bool(re.fullmatch(expression, text))


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6),
)
def test_double_stars_agree_with_regular_expressions(names: list[str], parts: list[str]) -> None:
    expression = "".join("(?:[^/]*/)*" if name == "**" else f"{name.replace('*', '[^/]*')}/" for name in names)
    assert PathGlob.parse("/".join(names)).matches(parts) == bool(re.fullmatch(expression, "/".join(parts) + "/"))
