"""Collects what is wrong with one file, so that all of it is told at once."""

from __future__ import annotations

from agentcli.errors import DefinitionError, ErrorInfo

MAX_PROBLEMS = 50
"""More than this are not told: nobody reads them, and a hostile file could have a million."""


class Problems:
    """The problems of one file. Codes are built from the file's family: `E-TEMPLATE` or `E-CONFIG`."""

    def __init__(self, family: str, file: str) -> None:
        self.family = family
        self.file = file
        self._found: list[ErrorInfo] = []

    def add(self, kind: str, what: str, *, why: str = "", fix: str = "", at: tuple[int, int]) -> None:
        """Note a problem. `kind` ends the code (`UNKNOWN-KEY`), `at` is line and column, counted from 1."""
        if not self.full:
            texts = (_one_line(what), _one_line(why), _one_line(fix))
            self._found.append(ErrorInfo(f"{self.family}-{kind}", *texts, self.file, *at))

    def include(self, info: ErrorInfo) -> None:
        """Note a problem as it is: one of a file that this one names."""
        if not self.full:
            self._found.append(info)

    @property
    def full(self) -> bool:
        """Whether no further one is taken: looking for more is in vain."""
        return len(self._found) >= MAX_PROBLEMS

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_any(self) -> None:
        """Raises what `error` gives, if there is any problem."""
        if self._found:
            raise self.error()

    def error(self) -> DefinitionError:
        """The first problem in the file; `others` holds the rest, in the file's order. There must be one."""
        first, *others = sorted(self._found, key=lambda info: (info.line or 0, info.column or 0))
        return error_of(first, tuple(others))


def error_of(first: ErrorInfo, others: tuple[ErrorInfo, ...] = ()) -> DefinitionError:
    """The exception of a problem that stands as data."""
    return DefinitionError(
        first.code,
        first.what,
        others=others,
        why=first.why,
        fix=first.fix,
        file=first.file,
        line=first.line,
        column=first.column,
    )


def _one_line(text: str) -> str:
    """Texts from a file may hold anything; an error's texts are one line each."""
    line = " ".join(text.split())
    return line if len(line) <= 400 else f"{line[:399]}…"
