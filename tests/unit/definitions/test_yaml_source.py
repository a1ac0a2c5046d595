"""Reading YAML: what is understood, where it stands, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.definitions.files import both_endings, read_definition
from agentcli.definitions.yaml_source import MAX_BYTES, read, unplaced
from agentcli.errors import DefinitionError


def refused(text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        read(text, "a.yaml", "E-TEMPLATE")
    return caught.value


def problem_of(text: str) -> DefinitionError | None:
    """What reading gives, where it is refused; nothing else may come out of it."""
    try:
        read(text, "a.yaml", "E-TEMPLATE")
    except DefinitionError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        ("-3", -3),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-11-21", "2026-11-21"),
        ("'1'", "1"),
        ('"\\u00e9"', "é"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("=", "="),
    ],
)
def test_scalars_follow_yaml_1_2(scalar: str, value: object) -> None:
    assert read(f"a: {scalar}\n", "a.yaml", "E-TEMPLATE").data == {"a": value}


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what", "fix"),
    [
        ("a: [1,\n b", "SYNTAX", 3, 1, "not YAML", "brackets"),
        ("a:\n\t- x", "TAB", 2, 1, "a tab", "spaces"),
        ("a:\n  b: 1\n\tc: 2\n", "TAB", 3, 1, "a tab", "spaces"),
        ("a: b: c", "QUOTE", 1, 5, "inside a text", "Quote the text"),
        ("key\nother: 1", "SYNTAX", 2, 6, "where none can stand", "missing `:`"),
        ("a: {{ x }}", "QUOTE", 1, 5, "expression stands outside quotes", '"{{ … }}"'),
        ("a: @x", "QUOTE", 1, 4, "cannot start with `@`", "Quote"),
        ("a: 'x\n", "SYNTAX", 1, 4, "never closed", "Close the quote."),
        ("a: *x", "SYNTAX", 1, 4, "`*x` stands for nothing", "Quote it"),
        ("a: &x [*x]", "SYNTAX", 1, 8, "`*x` stands for nothing", "Quote it"),
        ("a: \x01", "SYNTAX", 1, 4, "U+0001", "escape"),
        ("a: 1\nb: \ud800", "SYNTAX", 2, 4, "U+D800", "escape"),
        ("a: x\ufeff", "SYNTAX", 1, 5, "U+FEFF", "escape"),
        ("a: \ufeff\x01", "SYNTAX", 1, 4, "U+FEFF", "escape"),
        ("a: \x01\ufeff", "SYNTAX", 1, 4, "U+0001", "escape"),
        ("a: !foo x", "SYNTAX", 1, 4, "`!foo` is not known", "Remove the tag"),
        ("a: !!python/name:os.system x", "SYNTAX", 1, 4, "not known", "Remove the tag"),
        ("---\na: 1\n---\nb: 2", "SYNTAX", 3, 1, "A second document", "file of its own"),
        ("? [a]\n: b", "SYNTAX", 1, 3, "not text", "Write the key"),
        ("<<: 3", "SYNTAX", 1, 1, "Merge keys", "Write the keys out."),
        ("[" * 6000, "SIZE", 1, 42, "nested too deeply", "Flatten"),
        ("x" * (MAX_BYTES + 1), "SIZE", 1, 1, "too large", "files of their own"),
    ],
)
def test_what_is_no_definition_is_refused_with_its_place(
    text: str, kind: str, line: int, column: int, what: str, fix: str
) -> None:
    info = refused(text).info
    assert (info.code, info.file, info.line, info.column) == (f"E-TEMPLATE-{kind}", "a.yaml", line, column)
    assert what in info.what
    assert fix in info.fix
    assert all("\n" not in part for part in (info.what, info.why, info.fix))


def test_every_duplicate_key_is_told_at_once_with_the_line_of_the_first() -> None:
    error = refused("a: 1\nb: 2\na: 3\nc:\n  d: 1\n  d: 2\n")
    places = [(info.code, info.line, info.column) for info in (error.info, *error.others)]
    assert places == [("E-TEMPLATE-DUPLICATE-KEY", 3, 1), ("E-TEMPLATE-DUPLICATE-KEY", 6, 3)]
    assert "line 1" in error.info.why


def test_aliases_are_bounded_by_what_they_expand_to() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 10):
        laughs += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    assert refused(laughs).code == "E-TEMPLATE-SIZE"


def test_an_alias_stands_for_its_anchor_and_has_its_place() -> None:
    source = read("a: &x {b: 1}\nc: *x\n", "a.yaml", "E-TEMPLATE")
    assert source.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert source.where(("c", "b")) == (1, 11)
    assert source.where_key(("c",)) == (2, 1)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert read("", "a.yaml", "E-TEMPLATE").data == {}
    assert read("# nothing\n", "a.yaml", "E-TEMPLATE").data == {}
    assert read("---\n", "a.yaml", "E-TEMPLATE").data == {}


def test_a_path_that_is_not_there_has_the_place_of_what_is_around_it() -> None:
    source = read("a:\n  - b: 1\n", "a.yaml", "E-TEMPLATE")
    assert source.where(("a", 0, "c", "d")) == source.where(("a", 0)) == (2, 5)
    assert source.where_key(("a", 5)) == source.where(("a",)) == (2, 3)
    assert source.known(("a", 0, "c")) == ("a", 0)


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("Fix issue #12 now", True),
        ("Fix issue # 12", True),
        ("Fix issue   #12", True),
        ("Fix issue  # a comment", False),
        ("'Fix issue' #12", False),
        ("Fix issue#12", False),
    ],
)
def test_a_plain_scalar_cut_by_a_comment_is_known(line: str, cut: bool) -> None:
    assert read(f"a: {line}\n", "a.yaml", "E-TEMPLATE").spot(("a",)).cut is cut


TEXT = st.text("ab \"\\é😀{}:#\n\t'-&*!|>%", max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcdé😀", min_size=1, max_size=5), JSON, max_size=4))
def test_json_is_read_as_it_is(data: dict[str, object]) -> None:
    assert read(json.dumps(data, ensure_ascii=False), "a.yaml", "E-TEMPLATE").data == data


@given(
    st.lists(
        st.tuples(st.text("abé😀", min_size=1, max_size=4), st.text("xyé😀 ", max_size=6)), unique_by=lambda i: i[0]
    )
)
def test_places_point_at_what_stands_there(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{key}:\n  - inner: {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs)
    source = read(text, "a.yaml", "E-TEMPLATE")
    lines = text.split("\n")
    for key, value in pairs:
        line, column = source.where((key, 0, "inner"))
        assert lines[line - 1][column - 1 :] == json.dumps(value, ensure_ascii=False)
        line, column = source.where_key((key,))
        assert lines[line - 1][column - 1 :].startswith(f"{key}:")


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    caught = problem_of(text)
    assert caught is None or 1 <= (caught.info.line or 0) <= len(text) + 2


@given(st.text("ab:-[]{}#&*!|>'\"%@,? \n\t", max_size=60))
def test_no_punctuation_breaks_the_reader(text: str) -> None:
    caught = problem_of(text)
    assert caught is None or caught.code.startswith("E-TEMPLATE-")


def test_data_that_no_file_says_has_names_and_no_place() -> None:
    assert unplaced({"a": [{"b": 1}]}).known(("a", 0, "b", "c")) == ("a", 0, "b")


def test_a_file_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_definition(tmp_path / "a.yaml", "E-TEMPLATE") == "a: 1\n"


@pytest.mark.parametrize("make", ["missing", "folder", "pipe", "large", "latin", "loop"])
def test_what_is_no_readable_text_is_refused(tmp_path: Path, make: str) -> None:
    path = tmp_path / "a.yaml"
    makers = {
        "missing": lambda: None,
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "large": lambda: path.write_bytes(b"#" * (MAX_BYTES + 1)),
        "latin": lambda: path.write_bytes(b"a: 1\nb: caf\xe9\n"),
        "loop": lambda: path.symlink_to(path),
    }
    makers[make]()
    with pytest.raises(DefinitionError) as caught:
        read_definition(path, "E-CONFIG", shown="shown.yaml")
    kind = {"large": "SIZE", "latin": "ENCODING"}.get(make, "UNREADABLE")
    assert (caught.value.code, caught.value.info.file) == (f"E-CONFIG-{kind}", "shown.yaml")
    if make == "latin":
        assert (caught.value.info.line, caught.value.info.column) == (2, 7)


def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "out.yaml").write_text("a: 1\n")
    (project / "in.yaml").write_text("a: 2\n")
    (project / "out.yaml").symlink_to(tmp_path / "out.yaml")
    (project / "link.yaml").symlink_to("in.yaml")
    with pytest.raises(DefinitionError, match="outside the project"):
        read_definition(project / "out.yaml", "E-TEMPLATE", inside=project)
    assert read_definition(project / "link.yaml", "E-TEMPLATE", inside=project) == "a: 2\n"


def test_both_endings_are_found(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.yml", "b.yml"):
        (tmp_path / name).touch()
    assert [path.name for path in both_endings(tmp_path, "a")] == ["a.yaml", "a.yml"]
    assert [path.name for path in both_endings(tmp_path, "b")] == ["b.yml"]
    assert both_endings(tmp_path, "c") == []
