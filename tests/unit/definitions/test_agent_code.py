"""The code of an agent, read from its template or a file, with the place of what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.agent_code import AgentCode
from agentcli.definitions.agent_code import read_code
from agentcli.definitions.yaml_source import read
from agentcli.errors import DefinitionError

GOOD = "def run(agent, task):\n    return task\n"


def code_of(template: str, home: Path) -> AgentCode:
    source = read(template, "a.yaml", "E-TEMPLATE")
    return read_code(source.data["code"], source, home)


def fault_of(template: str, home: Path) -> tuple[str, str, str, int | None, int | None]:
    with pytest.raises(DefinitionError) as caught:
        code_of(template, home)
    info = caught.value.info
    return info.code, info.what, Path(info.file or "").name, info.line, info.column


def test_a_block_is_the_code_and_knows_where_its_lines_stand(tmp_path: Path) -> None:
    code = code_of(
        "name: a\ncode: |\n  import os\n\n  def run(agent, task):\n      return task\nlimits: {}\n", tmp_path
    )
    assert code == AgentCode("import os\n\ndef run(agent, task):\n    return task\n", "a.yaml", 2, 2)
    assert (code.place(1), code.place(4, 5), code.place(99)) == ((3, 3), (6, 7), (7, 3))


@pytest.mark.parametrize("head", ["|", "|-", "|+", "|2", "| # the code"])
def test_every_head_of_a_literal_block_will_do(tmp_path: Path, head: str) -> None:
    code = code_of(f"code: {head}\n\n    # first\n    def run(agent, task): pass\n".replace("    ", "  "), tmp_path)
    assert (code.line, code.column) == (1, 2)
    assert code.place(3) == (4, 3)


def test_a_file_is_named_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/a.py").write_text(GOOD)
    place = str(tmp_path / "agents/a.py")
    assert code_of("code: agents/a.py", tmp_path) == AgentCode(GOOD, place)
    assert AgentCode.from_json({**AgentCode(GOOD, place).to_json(), "newer": 1}) == AgentCode(GOOD, place)


@pytest.mark.parametrize(
    ("template", "what", "line", "column"),
    [
        ("code: 'def run(a, t): pass'", "is no block of lines", 1, 7),
        ("code: >\n  def run(a, t): pass\n", "is no block of lines", 1, 7),
        ("a: 1\ncode: |\n  def run(agent, task):\n    return (\n", "is not valid Python", 4, 12),
        ("code: |\n  def run(agent, task): pass\n  return 1\n", "is not valid Python", 3, 3),
        ("code: |\n  x = 1\n", "has no function `run`", 2, 3),
        ("code: |\n  run = print\n", "has no function `run`", 2, 3),
        ("code: |\n  class run: pass\n", "has no function `run`", 2, 3),
        ("code: |\n  x = 1\n  async def run(agent, task): pass\n", "`run` is an async function", 3, 3),
        ("code: |\n  def run(agent): pass\n", "does not take two arguments", 2, 3),
        ("code: |\n  def run(a, b, c): pass\n", "does not take two arguments", 2, 3),
        ("code: |\n  def run(a, b, *, c): pass\n", "does not take two arguments", 2, 3),
        ("code: ../a.py", "is outside the project", 1, 7),
        ("code: /etc/a.py", "is outside the project", 1, 7),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, template: str, what: str, line: int, column: int) -> None:
    code, told, file, *place = fault_of(template, tmp_path)
    assert what in told
    assert (code, file, place) == ("E-TEMPLATE-CODE", "a.yaml", [line, column])


@pytest.mark.parametrize("signature", ["a, b", "a, b=1", "a, /, b", "*all", "a, *rest", "a, b, c=1", "a, b, *, d=1"])
def test_whatever_can_be_called_with_two_arguments_will_do(tmp_path: Path, signature: str) -> None:
    assert code_of(f"code: |\n  def run({signature}): pass\n", tmp_path).line == 1


def test_what_is_wrong_in_a_file_is_told_with_its_place_there(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ndef run(:\n")
    assert fault_of("code: a.py", tmp_path)[2:] == ("a.py", 2, 9)
    assert fault_of("code: gone.py", tmp_path)[0] == "E-TEMPLATE-UNREADABLE"
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    assert fault_of("code: link.py", tmp_path)[0] == "E-TEMPLATE-UNREADABLE"


@pytest.mark.parametrize("text", ["(" * 5_000, "-" * 100_000 + "1", "x = $"])
def test_code_that_would_exhaust_the_reader_is_not_valid(tmp_path: Path, text: str) -> None:
    assert fault_of(f"code: |\n  {text}\n", tmp_path)[0] == "E-TEMPLATE-CODE"
