"""Python text, read without running it."""

from __future__ import annotations

import ast
import warnings


class NotPythonError(Exception):
    """The text is no Python. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def parsed(text: str, file: str) -> ast.Module:
    """The text as a tree; `file` is its name. Raises NotPythonError, also for what only compiling finds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in somebody's text is theirs
            tree = ast.parse(text, file)
            compile(tree, file, "exec", dont_inherit=True)  # finds a `return` outside of a function; runs nothing
    except SyntaxError as error:
        raise NotPythonError(error.msg or "", error.lineno or 1, error.offset or 1) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPythonError(str(error) or "It is nested too deeply") from error
    return tree
