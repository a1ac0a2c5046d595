"""What a function gave back, or what went wrong in it, as plain data that can leave the worker."""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

MAX_RESULT: Final = 200_000
"""Bytes of UTF-8. A text is cut there; other values are refused, for half of one would be another one."""

MAX_MESSAGE: Final = 2_000
MAX_TRACEBACK: Final = 20_000


class ResultError(Exception):
    """A function gave back what cannot be told to a model."""


def answer(value: Any) -> dict[str, Any]:
    """`content` for the model and `data` as JSON (None for a text). Raises ResultError."""
    if isinstance(value, str):
        return {"content": _cut(value) or "(an empty text)", "data": None}
    if value is None:
        return {"content": "done", "data": None}
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise ResultError("it gave back a generator; give back a list")
    text = _json(value)
    if len(text) > MAX_RESULT:
        raise ResultError(f"it gave back {len(text):,} bytes; at most {MAX_RESULT:,} are told to a model")
    told = text.decode()
    return {"content": told, "data": json.loads(told)}


def failure(error: BaseException, folders: Sequence[str]) -> dict[str, Any]:
    """The exception in words, where in the files below `folders` it came from, and its trace."""
    file, line, column = _place(error, folders)
    return {
        "type": type(error).__name__,
        "message": _message(error)[:MAX_MESSAGE],
        "file": file,
        "line": line,
        "column": column,
        "traceback": _trace(error)[-MAX_TRACEBACK:],
    }


def _json(value: Any) -> bytes:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        plain = to_jsonable_python(value)
        return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise ResultError(f"it gave back a {type(value).__name__} that is no JSON ({_message(error)[:200]})") from error


def _cut(text: str) -> str:
    """At most MAX_RESULT bytes of the text, and a word on what was left out."""
    data = text[: MAX_RESULT + 1].encode("utf-8", "replace")
    if len(data) <= MAX_RESULT:
        return data.decode()
    return f"{data[:MAX_RESULT].decode('utf-8', 'ignore')}\n[cut: {len(text):,} characters in all]"


def _message(error: BaseException) -> str:
    try:
        return str(error).encode("utf-8", "replace").decode()
    except Exception:
        return "(it cannot be put in words)"


def _trace(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-50)
        return "".join(lines).encode("utf-8", "replace").decode()
    except Exception:
        return ""


def _place(error: BaseException, folders: Sequence[str]) -> tuple[str | None, int | None, int | None]:
    """The last place in somebody's own files that the error passed; of a file that cannot be read, the place in it."""
    if isinstance(error, SyntaxError) and error.filename and _is_below(error.filename, folders):
        return error.filename, error.lineno, error.offset
    found: tuple[str | None, int | None, int | None] = (None, None, None)
    step: TracebackType | None = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if _is_below(code.co_filename, folders):
            found = code.co_filename, step.tb_lineno, _column(step)
        step = step.tb_next
    return found


def _column(step: TracebackType) -> int | None:
    positions = list(step.tb_frame.f_code.co_positions())
    index = step.tb_lasti // 2
    column = positions[index][2] if index < len(positions) else None
    return None if column is None else column + 1


def _is_below(file: str, folders: Sequence[str]) -> bool:
    installed = (sys.prefix + os.sep, sys.base_prefix + os.sep)
    below = any(file.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)
    return below and not any(file.startswith(prefix) and "site-packages" in file for prefix in installed)
