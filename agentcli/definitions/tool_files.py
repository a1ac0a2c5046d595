"""A Python file of tools, read without running it: which functions are tools, and what they say of themselves.

Listing, checking and completing know no more than this. What decides over a call (its name, what it changes) must
therefore be written out in the decorator, and what the worker finds when it does run the file must be the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agentcli.core.declaring import Declared
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.definitions.docstrings import described
from agentcli.definitions.files import read_definition
from agentcli.definitions.python_source import NotPythonError, parsed
from agentcli.definitions.static_types import literal, schema_of
from agentcli.errors import DefinitionError, sentence


@value(frozen=True, slots=True)
class ToolFile:
    """A file of tools: `path` as the template writes it, `place` where it lies, `text` as it was read."""

    path: str
    place: Path
    text: str
    tools: tuple[FoundTool, ...]


@value(frozen=True, slots=True)
class FoundTool:
    """A tool of a file. `spec` is what the text alone tells; its schema may leave types open."""

    declared: Declared
    spec: ToolSpec
    line: int


@value(frozen=True, slots=True)
class PythonUse:
    """How a template uses a file of tools: all of them, or `only` some."""

    path: str
    only: tuple[str, ...] | None = None

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> PythonUse:
        """From a template. Raises DefinitionError E-TEMPLATE-PYTHON-TOOL."""
        path, only = options.get("path"), options.get("only")
        fits = only is None or (isinstance(only, list | tuple) and all(isinstance(name, str) for name in only))
        if not isinstance(path, str) or not path or not fits or set(options) - {"path", "only"}:
            raise DefinitionError(
                "E-TEMPLATE-PYTHON-TOOL",
                "A use of a Python file cannot be read.",
                why="It names a file, and may name some of its tools.",
                fix="Write `- python: tools/weather.py`, or `- python: {path: tools/weather.py, only: [forecast]}`.",
            )
        return cls(path, None if only is None else tuple(only))


def read_tool_file(home: Path, use: PythonUse) -> ToolFile:
    """The file that a template names, relative to `home`, which it must not lead out of; with the tools that are used.

    Nothing of it is executed. Raises DefinitionError with the place in the file: E-TEMPLATE-UNREADABLE (and -SIZE,
    -ENCODING), E-TOOL-SYNTAX, E-TOOL-DECLARATION, E-TOOL-SIGNATURE, E-TOOL-NONE.
    """
    if use.path.startswith("/") or ".." in use.path.split("/"):
        why = "It is absolute, or climbs with `..`."
        raise DefinitionError(
            "E-TEMPLATE-PYTHON-TOOL",
            f"The Python file `{use.path[:200]}` is outside the project.",
            why=why,
            fix="Name a file of the project by its path in it.",
        )
    place = home / use.path
    text = read_definition(place, "E-TEMPLATE", inside=home)
    tools = tuple(tools_in(text, str(place), use.path))
    return ToolFile(use.path, place, text, _chosen(tools, use, str(place)))


def tools_in(text: str, file: str, source: str) -> Iterator[FoundTool]:
    """The tools of a source text; `file` names it in errors, `source` in what is told of the tools."""
    tree = _tree(text, file)
    names = _Names(tree)
    for node in _statements(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorator = next((one for one in node.decorator_list if names.is_tool(one)), None)
            if decorator is not None:
                yield _Reader(node, file, source).tool(decorator)


def _chosen(tools: tuple[FoundTool, ...], use: PythonUse, file: str) -> tuple[FoundTool, ...]:
    names = [tool.spec.name for tool in tools]
    missing = [name for name in use.only or () if name not in names]
    doubled = [name for name in names if names.count(name) > 1]
    if not missing and not doubled and tools:
        return tuple(tool for tool in tools if use.only is None or tool.spec.name in use.only)
    what = f"It has no tool `{missing[0][:100]}`." if missing else "It has no tool."
    raise DefinitionError(
        "E-TOOL-NONE",
        f"It has two tools `{doubled[0]}`." if doubled else what,
        why=f"Its tools are: {', '.join(names)}." if names else "No function in it is decorated with @tool.",
        fix="Decorate a function: `from agentcli import tool`, then `@tool` above it.",
        file=file,
        line=1,
        column=1,
    )


def _tree(text: str, file: str) -> ast.Module:
    try:
        return parsed(text, file)
    except NotPythonError as error:
        raise syntax_error(file, str(error), error.line, error.column) from error


def syntax_error(file: str, message: str, line: int | None, column: int | None) -> DefinitionError:
    """The error of a file that is no Python."""
    return DefinitionError(
        "E-TOOL-SYNTAX",
        "The file is not valid Python.",
        why=sentence(message),
        fix="Correct it there.",
        file=file,
        line=line or 1,
        column=column or 1,
    )


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module, and those inside its `if`, `try` and `with`: what is defined when it is imported."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


class _Names:
    """What a module calls agentcli, and its `tool`."""

    def __init__(self, tree: ast.Module) -> None:
        self._tools: set[str] = set()
        self._modules: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "agentcli":
                self._tools |= {alias.asname or alias.name for alias in node.names if alias.name == "tool"}
            elif isinstance(node, ast.Import):
                self._modules |= {alias.asname or alias.name for alias in node.names if alias.name == "agentcli"}

    def is_tool(self, decorator: ast.expr) -> bool:
        """Whether it is `@tool` or `@tool(…)`."""
        node = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(node, ast.Attribute):
            return node.attr == "tool" and isinstance(node.value, ast.Name) and node.value.id in self._modules
        return isinstance(node, ast.Name) and node.id in self._tools


@value(frozen=True, slots=True)
class _Reader:
    """One decorated function."""

    node: ast.FunctionDef | ast.AsyncFunctionDef
    file: str
    source: str

    def tool(self, decorator: ast.expr) -> FoundTool:
        declared = self._declared(decorator)
        said = described(ast.get_docstring(self.node))
        spec = ToolSpec(
            name=declared.name,
            description=said.description,
            parameters=self._parameters(said.parameters),
            effects=declared.effects,
            version=declared.version,
            deprecated=declared.deprecated,
            examples=declared.examples,
            returns=said.returns,
            subject_kind="text",
            source=self.source,
        )
        return FoundTool(declared, spec, self.node.lineno)

    def _declared(self, decorator: ast.expr) -> Declared:
        words = decorator.keywords if isinstance(decorator, ast.Call) else []
        said: dict[str, Any] = {}
        for word in words:
            try:
                said[word.arg or "**"] = literal(word.value)
            except ValueError:
                why = f"`{word.arg or '**'}` is worked out: it is read here without running the file."
                raise self._error("E-TOOL-DECLARATION", why, "Write the value itself.", word.value) from None
        if isinstance(said.get("examples"), list):
            said["examples"] = tuple(said["examples"])
        try:
            return Declared(**{"name": self.node.name, **{key: one for key, one in said.items() if one is not None}})
        except (TypeError, DefinitionError) as error:
            why = (
                error.info.why
                if isinstance(error, DefinitionError)
                else f"There is no such argument of @tool: {error}."
            )
            fix = "See docs/own-tools.md for what @tool takes."
            raise self._error("E-TOOL-DECLARATION", why, fix, decorator) from error

    def _parameters(self, descriptions: Mapping[str, str]) -> dict[str, Any]:
        given = self.node.args
        self._refuse_odd(given)
        plain = given.args + given.kwonlyargs
        defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
        defaults += [*given.defaults, *given.kw_defaults]
        properties: dict[str, Any] = {}
        required: list[str] = []
        for argument, default in zip(plain, defaults, strict=True):
            properties[argument.arg] = self._property(argument, default, descriptions.get(argument.arg, ""))
            required += [argument.arg] if default is None else []
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    def _property(self, argument: ast.arg, default: ast.expr | None, description: str) -> dict[str, Any]:
        if argument.annotation is None:
            fix = f"Write `{argument.arg}: str`, or what it is."
            raise self._error("E-TOOL-SIGNATURE", f"`{argument.arg}` has no type.", fix, argument)
        schema = schema_of(argument.annotation)
        if description and "description" not in schema:
            schema["description"] = description
        try:
            value = literal(default) if default is not None else None
        except ValueError:
            value = None
        return {**schema, "default": value} if value is not None else schema

    def _refuse_odd(self, given: ast.arguments) -> None:
        """Every argument of a call has a name: models write objects."""
        odd = [*given.posonlyargs, *(one for one in (given.vararg, given.kwarg) if one is not None)]
        if odd:
            why = f"`{odd[0].arg}` cannot be given by its name."
            raise self._error("E-TOOL-SIGNATURE", why, "Give each argument a name and a type of its own.", odd[0])

    def _error(self, code: str, why: str, fix: str, at: ast.expr | ast.arg) -> DefinitionError:
        what = f"The function `{self.node.name}` cannot be a tool as it stands."
        return DefinitionError(
            code, what, why=sentence(why), fix=fix, file=self.file, line=at.lineno, column=at.col_offset + 1
        )
