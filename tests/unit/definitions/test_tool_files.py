"""A Python file of tools, read without running it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.definitions.docstrings import described
from agentcli.definitions.static_types import schema_of
from agentcli.definitions.tool_files import FoundTool, PythonUse, read_tool_file, tools_in
from agentcli.errors import DefinitionError

HEAD = "from agentcli import tool\n"


def found(text: str) -> list[FoundTool]:
    return list(tools_in(text, "/p/tools/a.py", "tools/a.py"))


def refused(text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        found(text)
    return caught.value


def test_the_text_tells_what_a_tool_is() -> None:
    text = HEAD + (
        "@tool(version='2', effects='read-only', deprecated='use look', examples=[{'word': 'tea'}])\n"
        "async def find(word: str, most: int = 5, *, deep: bool = False) -> list[str]:\n"
        '    """Find a word.\n\n    Args:\n        word: What to\n            look for.\n\n    Returns:\n'
        '        The places.\n    """\n'
    )
    (tool,) = found(text)
    spec = tool.spec
    assert (spec.name, spec.version, spec.effects, spec.deprecated) == ("find", "2", "read-only", "use look")
    assert (spec.description, spec.returns, spec.source) == ("Find a word.", "The places.", "tools/a.py")
    assert spec.examples == ({"word": "tea"},)
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "word": {"type": "string", "description": "What to look for."},
            "most": {"type": "integer", "default": 5},
            "deep": {"type": "boolean", "default": False},
        },
        "required": ["word"],
        "additionalProperties": False,
    }
    assert tool.line == 3


@pytest.mark.parametrize(
    "text",
    [
        "from agentcli import tool as t\n@t\ndef a() -> None: ...",
        "import agentcli\n@agentcli.tool\ndef a() -> None: ...",
        "import agentcli as ac\n@ac.tool(effects='read-only')\ndef a() -> None: ...",
        HEAD + "@other\n@tool()\ndef a() -> None: ...",
        HEAD + "if True:\n  try:\n    @tool\n    def a() -> None: ...\n  except E: pass",
        HEAD + "try: pass\nexcept ImportError:\n  @tool\n  def a() -> None: ...",
    ],
)
def test_a_tool_is_found_however_it_is_written(text: str) -> None:
    assert [tool.spec.name for tool in found(text)] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "def tool(f): return f\n@tool\ndef a(): ...",
        "from other import tool\n@tool\ndef a(): ...",
        HEAD + "class C:\n  @tool\n  def a(self): ...",
        HEAD + "def f():\n  @tool\n  def a(): ...",
        "",
    ],
)
def test_what_is_no_tool_of_the_module_is_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code", "place", "why"),
    [
        ("def f(:", "E-TOOL-SYNTAX", (1, 7), ""),
        ("x = 1\nreturn x", "E-TOOL-SYNTAX", (2, 1), "outside function"),
        ("x = '\0'", "E-TOOL-SYNTAX", (1, 1), "null bytes"),
        ("(" * 1000, "E-TOOL-SYNTAX", (1, 201), ""),
        (HEAD + "N = 'a'\n@tool(name=N)\ndef a() -> None: ...", "E-TOOL-DECLARATION", (3, 12), "worked out"),
        (HEAD + "@tool(**{})\ndef a() -> None: ...", "E-TOOL-DECLARATION", (2, 2), "no such argument"),
        (HEAD + "@tool(colour=1)\ndef a() -> None: ...", "E-TOOL-DECLARATION", (2, 2), "no such argument"),
        (HEAD + "@tool(retries=1)\ndef a() -> None: ...", "E-TOOL-DECLARATION", (2, 2), "taken back"),
        (HEAD + "@tool\ndef a(b): ...", "E-TOOL-SIGNATURE", (3, 7), "has no type"),
        (HEAD + "@tool\ndef a(b: int, /): ...", "E-TOOL-SIGNATURE", (3, 7), "by its name"),
        (HEAD + "@tool\ndef a(*b: int): ...", "E-TOOL-SIGNATURE", (3, 8), "by its name"),
        (HEAD + "@tool\ndef a(**b: int): ...", "E-TOOL-SIGNATURE", (3, 9), "by its name"),
    ],
)
def test_what_cannot_be_a_tool_is_told_with_its_place(text: str, code: str, place: tuple[int, int], why: str) -> None:
    error = refused(text)
    assert (error.code, error.info.file) == (code, "/p/tools/a.py")
    assert (error.info.line, error.info.column) == place
    assert why in error.info.why


def test_reading_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        HEAD + f"open({str(tmp_path / 'ran')!r}, 'w')\n@tool\ndef a(b: int = open('x')) -> print('x'): ..."
    )
    read_tool_file(tmp_path, PythonUse("a.py"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("use", "code"),
    [
        (PythonUse("/etc/passwd"), "E-TEMPLATE-PYTHON-TOOL"),
        (PythonUse("../a.py"), "E-TEMPLATE-PYTHON-TOOL"),
        (PythonUse("link.py"), "E-TEMPLATE-UNREADABLE"),
        (PythonUse("missing.py"), "E-TEMPLATE-UNREADABLE"),
        (PythonUse("."), "E-TEMPLATE-UNREADABLE"),
        (PythonUse("latin.py"), "E-TEMPLATE-ENCODING"),
        (PythonUse("none.py"), "E-TOOL-NONE"),
        (PythonUse("two.py"), "E-TOOL-NONE"),
        (PythonUse("one.py", ("b",)), "E-TOOL-NONE"),
    ],
)
def test_a_file_that_does_not_do_is_refused(tmp_path: Path, use: PythonUse, code: str) -> None:
    home = tmp_path / "p"
    home.mkdir()
    (tmp_path / "a.py").write_text(HEAD)
    (home / "link.py").symlink_to(tmp_path / "a.py")
    (home / "latin.py").write_bytes(b"# \xe4\n")
    (home / "none.py").write_text("x = 1\n")
    (home / "one.py").write_text(HEAD + "@tool\ndef a() -> None: ...")
    (home / "two.py").write_text(HEAD + "@tool\ndef a() -> None: ...\n@tool(name='a')\ndef b() -> None: ...")
    with pytest.raises(DefinitionError) as caught:
        read_tool_file(home, use)
    assert caught.value.code == code


def test_only_some_of_a_file_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HEAD + "@tool\ndef a() -> None: ...\n@tool\ndef b() -> None: ...")
    use = PythonUse.read({"path": "a.py", "only": ["b"]})
    assert [tool.spec.name for tool in read_tool_file(tmp_path, use).tools] == ["b"]


@pytest.mark.parametrize("options", [{}, {"path": 1}, {"path": ""}, {"path": "a", "only": "a"}, {"path": "a", "x": 1}])
def test_a_use_that_cannot_be_read_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        PythonUse.read(options)
    assert caught.value.code == "E-TEMPLATE-PYTHON-TOOL"


@pytest.mark.parametrize(
    "docstring",
    [
        "Find it.\n\nArgs:\n    word: What to find.\n\nReturns:\n    Places.",
        "Find it.\n\nParameters\n----------\nword : str\n    What to find.\n\nReturns\n-------\nlist\n    Places.",
        "Find it.\n\n:param word: What to find.\n:returns: Places.",
    ],
)
def test_three_forms_of_docstrings_say_the_same(docstring: str) -> None:
    said = described(docstring)
    assert (said.description, said.parameters, said.returns) == ("Find it.", {"word": "What to find."}, "Places.")


@given(st.text())
def test_any_docstring_is_read(docstring: str) -> None:
    assert len(described(docstring).description) <= 2_000


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str | None", {"type": "string"}),
        ("Optional[int]", {"type": "integer"}),
        ("typing.Union[int, str]", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        ("List[int]", {"type": "array", "items": {"type": "integer"}}),
        ("dict[str, int]", {"type": "object"}),
        ("Literal['a', 'b']", {"enum": ["a", "b"], "type": "string"}),
        ("Literal[1, 'b']", {"enum": [1, "b"]}),
        ("Annotated[int, Field(ge=1, description='how many')]", {"type": "integer", "description": "how many"}),
        ("'str'", {"type": "string"}),
        ("'not a ( type'", {"$comment": "'not a ( type'"}),
        ("date", {"$comment": "date"}),
        ("Box[int]", {"$comment": "Box[int]"}),
        ("None", {"type": "null"}),
        ("3", {"$comment": "3"}),
    ],
)
def test_types_are_told_as_far_as_their_text_goes(annotation: str, schema: dict[str, Any]) -> None:
    assert schema_of(ast.parse(annotation, mode="eval").body) == schema
