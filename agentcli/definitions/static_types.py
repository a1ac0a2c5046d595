"""Annotations as JSON Schema, as far as their text tells: for showing a tool whose code must not run."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

_PLAIN: Final = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "tuple": "array",
    "set": "array",
}


def schema_of(annotation: ast.expr | None) -> dict[str, Any]:
    """The schema; an empty one for what only running the code could tell, with the annotation's text for people."""
    if annotation is None:
        return {}
    if isinstance(annotation, ast.Constant):
        return _quoted(annotation)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _one_of([annotation.left, annotation.right])
    if isinstance(annotation, ast.Subscript):
        return _generic(_last(annotation.value), _arguments(annotation.slice), annotation)
    kind = _PLAIN.get(_last(annotation))
    return {"type": kind} if kind else _unknown(annotation)


def literal(node: ast.expr) -> Any:
    """The value of an expression that is written out. Raises ValueError."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("it is not written out") from error


def _quoted(annotation: ast.Constant) -> dict[str, Any]:
    """A type in quotes, or None."""
    if not isinstance(annotation.value, str):
        return {"type": "null"} if annotation.value is None else _unknown(annotation)
    try:
        return schema_of(ast.parse(annotation.value, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return _unknown(annotation)


def _generic(name: str, arguments: list[ast.expr], whole: ast.expr) -> dict[str, Any]:
    readers: dict[str, Callable[[list[ast.expr]], dict[str, Any]]] = {
        "Annotated": _annotated,
        "Optional": lambda given: schema_of(given[0]),
        "Union": _one_of,
        "Literal": _literal,
    }
    if name in readers:
        return readers[name](arguments)
    kind = _PLAIN.get(name.lower())
    if kind is None:
        return _unknown(whole)
    return {"type": kind, "items": schema_of(arguments[0])} if name.lower() in ("list", "set") else {"type": kind}


def _annotated(arguments: list[ast.expr]) -> dict[str, Any]:
    schema = schema_of(arguments[0])
    for note in arguments[1:]:
        words = note.keywords if isinstance(note, ast.Call) else []
        said = next((word.value for word in words if word.arg == "description"), None)
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            schema["description"] = said.value
    return schema


def _one_of(arguments: list[ast.expr]) -> dict[str, Any]:
    """Alternatives; that None is one of them is not worth a word."""
    found = [schema for schema in map(schema_of, arguments) if schema.get("type") != "null"]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _literal(arguments: list[ast.expr]) -> dict[str, Any]:
    values = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
    kinds = {type(value) for value in values}
    kind = _PLAIN.get(kinds.pop().__name__) if len(kinds) == 1 else None
    return {"enum": values, **({"type": kind} if kind else {})}


def _arguments(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) and node.elts else [node]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _unknown(annotation: ast.expr) -> dict[str, Any]:
    return {"$comment": ast.unparse(annotation)[:200]}
