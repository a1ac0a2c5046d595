"""Finding and loading templates, and what is said about the ones that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.catalog.builtin import templates_root
from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.errors import DefinitionError, UsageError

KNOWN = Known(
    tools=frozenset({"read_lines", "grep_file", "list_files", "create_file", "fetch_url"}),
    providers=frozenset({"openai", "anthropic", "local", "scripted"}),
)
GOOD = "name: {name}\ndescription: About {name}.\ninstructions: Do it.\n"


@pytest.fixture
def roots(tmp_path: Path) -> list[Root]:
    made = []
    for source in ("project", "user", "built-in"):
        (tmp_path / source / "agents").mkdir(parents=True)
        (tmp_path / source / "workflows").mkdir()
        made.append(Root(tmp_path / source, source))
    return made


@pytest.fixture
def catalog(roots: list[Root]) -> Catalog:
    return Catalog(roots, KNOWN)


def write(root: Root, name: str, text: str = "", folder: str = "agents") -> Path:
    path = root.path / folder / name
    path.write_text(text or GOOD.format(name=path.stem), encoding="utf-8")
    return path


def test_the_nearest_root_wins(roots: list[Root], catalog: Catalog) -> None:
    paths = [write(root, "a.yaml") for root in roots]
    write(roots[2], "b.yml")
    assert catalog.agent("a").source == "project"
    assert catalog.agent("b").source == "built-in"
    first, second = catalog.agent_listing().valid
    assert (first.name, first.path, first.shadowed) == ("a", paths[0], tuple(paths[1:]))
    assert (second.name, second.description, second.shadowed) == ("b", "About b.", ())


def test_what_was_read_is_kept_for_the_manifest(roots: list[Root], catalog: Catalog) -> None:
    path = write(roots[0], "a.yaml")
    assert catalog.agent("a").text == path.read_text()


def test_a_broken_unrelated_template_is_a_warning(roots: list[Root], catalog: Catalog) -> None:
    write(roots[0], "good.yaml")
    bad = write(roots[0], "bad.yaml", "name: bad\n")
    write(roots[1], "bad.yaml")
    assert catalog.agent("good").template.name == "good"
    listing = catalog.agent_listing()
    assert [item.name for item in listing.valid] == ["good"]
    assert [(one.name, one.path, one.error.code) for one in listing.broken] == [("bad", bad, "E-TEMPLATE-MISSING-KEY")]


def test_two_files_of_one_name_in_one_root_are_an_error_that_names_both(roots: list[Root], catalog: Catalog) -> None:
    write(roots[0], "a.yaml")
    other = write(roots[0], "a.yml")
    with pytest.raises(DefinitionError) as caught:
        catalog.agent("a")
    assert caught.value.code == "E-TEMPLATE-DUPLICATE-NAME"
    assert str(other) in caught.value.info.why
    assert [one.error.code for one in catalog.agent_listing().broken] == ["E-TEMPLATE-DUPLICATE-NAME"]


def test_an_unknown_name_is_a_usage_error_with_the_nearest(roots: list[Root], catalog: Catalog) -> None:
    write(roots[1], "reader.yaml")
    with pytest.raises(UsageError) as caught:
        catalog.agent("raeder")
    assert (caught.value.code, caught.value.info.fix) == ("E-AGENT-UNKNOWN", "Did you mean `reader`?")
    with pytest.raises(UsageError) as caught:
        catalog.workflow("raeder")
    assert (caught.value.code, caught.value.info.why) == ("E-WORKFLOW-UNKNOWN", "There are no workflows.")
    with pytest.raises(UsageError, match="There is no file"):
        catalog.agent("./missing.yaml")


@pytest.mark.parametrize("word", ["../project/agents/a", "A", "a b", "", "x" * 70, ".", "a\n"])
def test_a_word_that_is_no_name_names_no_agent(roots: list[Root], catalog: Catalog, word: str) -> None:
    write(roots[0], "a.yaml")
    assert catalog.is_agent("a")
    assert not catalog.is_agent(word)


def test_an_agent_may_be_given_by_its_path(
    tmp_path: Path, roots: list[Root], catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.yml"
    path.write_text(GOOD.format(name="own"))
    inside = write(roots[0], "a.yaml")
    assert catalog.agent(str(path)).source == "path"
    assert catalog.agent(str(inside)).source == "project"
    assert catalog.is_agent(str(path))
    monkeypatch.chdir(tmp_path)
    assert catalog.is_agent("own.yml")
    assert not catalog.is_agent("other.yml")
    assert catalog.agent("./own.yml").template.name == "own"


def test_names_are_told_without_reading_a_file(roots: list[Root], catalog: Catalog) -> None:
    write(roots[0], "b.yaml", "not: {valid")
    write(roots[1], "a.yml")
    write(roots[1], "b.yml")
    write(roots[1], "notes.txt")
    write(roots[1], ".hidden.yaml")
    assert catalog.names() == ["a", "b"]
    assert Catalog([Root(Path("/nowhere"), "user")]).names() == []


def test_a_project_template_may_not_be_a_link_out_of_the_project(
    tmp_path: Path, roots: list[Root], catalog: Catalog
) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(GOOD.format(name="outside"))
    (roots[0].path / "agents" / "outside.yaml").symlink_to(outside)
    with pytest.raises(DefinitionError) as caught:
        catalog.agent("outside")
    assert caught.value.code == "E-TEMPLATE-UNREADABLE"
    (roots[1].path / "agents" / "mine.yaml").symlink_to(outside)
    with pytest.raises(DefinitionError) as caught:
        catalog.agent("mine")
    assert caught.value.code == "E-TEMPLATE-NAME"


def test_the_users_template_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "a.yaml").write_text(GOOD.format(name="a"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "agents").symlink_to(tmp_path / "dotfiles")
    assert Catalog([Root(tmp_path / "config", "user")]).agent("a").source == "user"


def test_a_secret_in_a_template_is_a_warning_with_its_line(roots: list[Root], catalog: Catalog) -> None:
    text = GOOD.format(name="a") + "tools:\n  - fetch_url:\n      headers: {authorization: Bearer abcdefgh}\n"
    write(roots[0], "a.yaml", text)
    (warning,) = catalog.agent("a").warnings
    assert (warning.code, warning.line) == ("E-TEMPLATE-LITERAL-SECRET", 6)
    assert catalog.agent_listing().valid[0].warnings == (warning,)


HEAD = "name: a\ninstructions: Do it.\n"


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what", "why", "fix"),
    [
        (HEAD + "toolz: []", "UNKNOWN-KEY", 3, 1, "`toolz`", "The file may have", "`tools`"),
        (HEAD + "settings: {temprature: 1}", "UNKNOWN-KEY", 3, 12, "`temprature`", "`settings` may", "`temperature`"),
        (HEAD + "inputs:\n  a: {typ: string}", "UNKNOWN-KEY", 4, 7, "`typ`", "`inputs.a` may", "`type`"),
        (HEAD + "zzz: 1", "UNKNOWN-KEY", 3, 1, "`zzz`", "", "Remove it."),
        (HEAD + "tools: [read_line]", "UNKNOWN-TOOL", 3, 9, "`read_line`", "There are", "`read_lines`"),
        (HEAD + "tools:\n  - zzz: {}", "UNKNOWN-TOOL", 4, 5, "`zzz`", "", "tools list"),
        (HEAD + "tools: [grep_file, grep_file]", "DUPLICATE-TOOL", 3, 20, "twice", "", "Remove"),
        (
            HEAD + "tools: [{python: {file: a.py}}]",
            "PYTHON-TOOL",
            3,
            9,
            "cannot be read",
            "names a file",
            "python: tools",
        ),
        (HEAD + "tools: [{python: ../a.py}]", "PYTHON-TOOL", 3, 9, "outside the project", "climbs", "path in it"),
        (HEAD + "permissions: {deny: [delete_fil]}", "UNKNOWN-TOOL", 3, 22, "`delete_fil`", "", ""),
        (HEAD + "model: opnai:gpt", "UNKNOWN-PROVIDER", 3, 8, "`opnai`", "", "`openai`"),
        (HEAD + "model: [openai:a, zzz:b]", "UNKNOWN-PROVIDER", 3, 19, "`zzz`", "", "providers:"),
        (HEAD + "model: gpt", "VALUE", 3, 8, "`model`", "`provider:model`", ""),
        (HEAD + "settings: {temperature: 2.5}", "VALUE", 3, 25, "temperature", "at most 2, found 2.5", ""),
        (HEAD + "settings: {timeout: 0}", "VALUE", 3, 21, "timeout", "at least 1, found 0", ""),
        (HEAD + "settings: {timeout: '60'}", "TYPE", 3, 21, "timeout", 'a number, found the text "60"', "the quotes"),
        (HEAD + "enabled: no", "TYPE", 3, 10, "enabled", "true or false", "`false`"),
        (HEAD + "tools: read_lines", "TYPE", 3, 8, "tools", "a list", "[read_lines]"),
        (HEAD + "limits: 3", "TYPE", 3, 9, "limits", "a mapping, found 3", ""),
        (HEAD + "limits: {turns: 1.5}", "TYPE", 3, 17, "turns", "a whole number", ""),
        (HEAD + "description: 3", "QUOTE", 3, 14, "description", "text, found 3", 'Quote it: "3".'),
        (HEAD + "description: [a]", "TYPE", 3, 14, "description", "text, found a list", ""),
        (HEAD + "description: see #12", "QUOTE", 3, 14, "cut short", "comment", "Quote the whole"),
        (HEAD + "inputs: {a: {type: strin}}", "VALUE", 3, 20, "`inputs.a.type`", "one of string", "`string`"),
        (HEAD + "inputs: {a-b: {}}", "VALUE", 3, 10, "`a-b`", "letters", "Rename"),
        (HEAD + "inputs: {a: {default: 3}}", "VALUE", 3, 23, "default", "type string, found 3", ""),
        (HEAD + "kind: workflow", "VALUE", 3, 7, "kind", "`agent`", ""),
        (HEAD + "output: {schema: {type: objct}}", "SCHEMA", 3, 18, "not a valid JSON Schema", "objct", ""),
        (HEAD + "output: {schema: '{{ inputs.x }}'}", "UNDEFINED", 3, 29, "`inputs.x`", "", "`x: {type"),
        (HEAD + "output: {}", "MISSING-KEY", 3, 9, "`schema` is missing in `output`", "", "schema:"),
        ("name: a\n", "MISSING-KEY", 1, 1, "`instructions` is missing", "", "instructions:"),
        ("name: a\ninstructions: ''\n", "VALUE", 2, 15, "instructions", "not empty", ""),
        ("name: a\ninstructions: 42\n", "QUOTE", 2, 15, "instructions", "", '"42"'),
        ("name: a\ninstructions:\n  Answer: yes\n", "QUOTE", 3, 3, "instructions", "a mapping", "Quote"),
        ("name: a\ninstructions: Fix #3 now\n", "QUOTE", 2, 15, "cut short", "", "Quote"),
        ("name: b\ninstructions: x\n", "NAME", 1, 7, "`name: b`", "`a`", "`name: a`"),
        ("instructions: |\n  Hi,\n  {{ inputs.x }}\nname: a", "UNDEFINED", 3, 13, "`inputs.x`", "", ""),
        ("instructions: topc {{ topc }}\nname: a", "UNDEFINED", 1, 23, "`topc`", "", ""),
        ("instructions: |\n  a\n   {% if %}\nname: a", "TEMPLATING", 3, 4, "cannot be read", "", ""),
        ("instructions: '{% if %}'\nname: a", "TEMPLATING", 1, 15, "cannot be read", "", ""),
        ("- a\n", "TYPE", 1, 1, "The file", "a mapping, found a list", ""),
    ],
)
def test_every_problem_has_its_place_and_its_fix(
    roots: list[Root], catalog: Catalog, text: str, kind: str, line: int, column: int, what: str, why: str, fix: str
) -> None:
    path = write(roots[0], "a.yaml", text)
    with pytest.raises(DefinitionError) as caught:
        catalog.agent("a")
    info = caught.value.info
    assert (info.code, info.file, info.line, info.column) == (f"E-TEMPLATE-{kind}", str(path), line, column)
    assert what in info.what
    assert why in info.why
    assert fix in info.fix


def test_all_problems_are_told_at_once_in_the_files_order(roots: list[Root], catalog: Catalog) -> None:
    write(roots[0], "a.yaml", "settings: {temperature: 9}\nname: A B\nbogus: 1\n")
    with pytest.raises(DefinitionError) as caught:
        catalog.agent("a")
    codes = [(info.code, info.line) for info in (caught.value.info, *caught.value.others)]
    assert codes == [
        ("E-TEMPLATE-MISSING-KEY", 1),
        ("E-TEMPLATE-VALUE", 1),
        ("E-TEMPLATE-VALUE", 2),
        ("E-TEMPLATE-UNKNOWN-KEY", 3),
    ]


def test_names_that_are_not_known_here_are_not_checked(roots: list[Root]) -> None:
    write(roots[0], "a.yaml", HEAD + "tools: [anything]\nmodel: any:thing\npermissions: {allow: ['*', 'x*(y)']}\n")
    assert Catalog(roots).agent("a").template.model == ("any:thing",)


def test_every_built_in_template_is_valid() -> None:
    catalog = Catalog([Root(templates_root(), "built-in")], KNOWN)
    listing = catalog.agent_listing()
    assert listing.broken == ()
    assert [item.name for item in listing.valid] == ["assistant", "extractor", "reader"]
    assert all(item.template.model is None and item.description and not item.warnings for item in listing.valid)
    assert catalog.workflow_listing().broken == ()
