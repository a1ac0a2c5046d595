"""Fields out of a record, which may be somebody else's: what each must be before it is added to anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

from agentcli.core.models import Usage
from agentcli.errors import StorageError

_MOST = 2**53
"""More than any count or time, and still exact as a float."""


class UnreadableError(Exception):
    """A record that no run of ours wrote."""


@contextmanager
def reading() -> Iterator[None]:
    """Raises UnreadableError for what is damaged or malformed; a StorageError of another kind is one."""
    try:
        yield
    except StorageError as error:
        if error.code != "E-JOURNAL-DAMAGED":
            raise
        raise UnreadableError from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UnreadableError from error


def text(value: Any) -> str:
    """A name. Raises TypeError; those below raise ValueError."""
    if not isinstance(value, str):
        raise TypeError("a name is no text")
    return value


def amount(value: Any) -> float:
    """Seconds or dollars: neither negative nor infinite."""
    if not isinstance(value, (int, float)) or not isfinite(value) or not 0 <= value < _MOST:
        raise ValueError("an amount is no number")
    return float(value)


def cost(value: Any) -> float | None:
    """Dollars; None where the price is not known."""
    return None if value is None else amount(value)


def count(value: Any) -> int:
    """How many."""
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise ValueError("a count is no number")
    return value


def usage(value: Usage) -> Usage:
    """Tokens."""
    count(value.input)
    count(value.output)
    count(value.cached)
    count(value.reasoning)
    return value
