"""The code of a custom agent: written in its template, or in a file that the template names. Nothing of it is run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from agentcli.core.agent_code import FUNCTION, AgentCode
from agentcli.definitions.files import read_definition
from agentcli.definitions.python_source import NotPythonError, parsed
from agentcli.definitions.yaml_source import Source
from agentcli.errors import DefinitionError, sentence

_SHAPE: Final = f"def {FUNCTION}(agent, task):"
_GIVEN: Final = 2
"""The agent, and the task."""


def is_file(code: str) -> bool:
    """Whether `code:` names a file: one line that ends with `.py`."""
    return "\n" not in code and code.endswith(".py")


def read_code(code: str, source: Source, home: Path) -> AgentCode:
    """What `code:` says in the template `source`; a file is named from `home`, which it must not lead out of.

    Raises DefinitionError E-TEMPLATE-CODE with its place, E-TEMPLATE-UNREADABLE (and -SIZE, -ENCODING).
    """
    found = _of_file(code, source, home) if is_file(code) else _of_template(code, source)
    try:
        tree = parsed(found.text, found.file)
    except NotPythonError as error:
        place = found.place(error.line, error.column)
        raise _fault("The agent's code is not valid Python.", str(error), "Correct it there.", found, place) from error
    _check_function(tree, found)
    return found


def _of_file(code: str, source: Source, home: Path) -> AgentCode:
    if code.startswith("/") or ".." in code.split("/"):
        here = AgentCode("", source.file)
        why, fix = "It is absolute, or climbs with `..`.", "Name a file of the project by its path in it."
        raise _fault(f"The file `{code[:200]}` is outside the project.", why, fix, here, source.where(("code",)))
    place = home / code
    return AgentCode(read_definition(place, "E-TEMPLATE", inside=home), str(place))


def _of_template(code: str, source: Source) -> AgentCode:
    spot = source.spot(("code",))
    if not source.text.startswith("|", spot.start):
        fix = "Write it below `code: |`, or name a file: `code: agents/triage.py`."
        why = "Only there its lines are kept as they stand."
        here = AgentCode("", source.file)
        raise _fault("The agent's code is no block of lines.", why, fix, here, (spot.line, spot.column))
    return AgentCode(code, source.file, spot.line, _indent(code, source, spot.line))


def _indent(code: str, source: Source, line: int) -> int:
    """How far the block stands to the right of the text that it gives."""
    for number, text in enumerate(code.split("\n")):
        if text.strip():
            return len(source.text.split("\n")[line + number].rstrip("\r")) - len(text)
    return 0


def _check_function(tree: ast.Module, code: AgentCode) -> None:
    found = [node for node in tree.body if getattr(node, "name", None) == FUNCTION]
    function = found[-1] if found else None
    if isinstance(function, ast.FunctionDef) and _takes_two(function.args):
        return
    place = code.place(function.lineno, function.col_offset + 1) if function else code.place(1)
    what, why = (
        f"The agent's code has no function `{FUNCTION}` to begin with.",
        "It is called with the agent and the task.",
    )
    if isinstance(function, ast.AsyncFunctionDef):
        what, why = f"`{FUNCTION}` is an async function.", "What it asks for is waited for where it asks."
    elif isinstance(function, ast.FunctionDef):
        what = f"`{FUNCTION}` does not take two arguments."
    raise _fault(what, why, f"Write `{_SHAPE}`.", code, place)


def _takes_two(given: ast.arguments) -> bool:
    """Whether it can be called with two arguments by their place."""
    plain = len(given.posonlyargs) + len(given.args)
    required = plain - len(given.defaults)
    named = [default for default in given.kw_defaults if default is None]
    return required <= _GIVEN and (plain >= _GIVEN or given.vararg is not None) and not named


def _fault(what: str, why: str, fix: str, code: AgentCode, place: tuple[int, int]) -> DefinitionError:
    line, column = place
    return DefinitionError(
        "E-TEMPLATE-CODE", what, why=sentence(why), fix=fix, file=code.file, line=line, column=column
    )
