"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The most similar of `names`, in any case of letters; None where none is similar enough to be a slip."""
    by_folded = {name.casefold(): name for name in names}
    close = get_close_matches(word[:200].casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def listed(names: Iterable[str], limit: int = 12) -> str:
    """`a, b, c`, sorted; past `limit` names only how many more there are."""
    every = sorted(names)
    return ", ".join(every[:limit]) + (f" and {len(every) - limit} more" if len(every) > limit else "")


def suggestion(word: str, names: Iterable[str], else_say: str) -> str:
    """A fix: the nearest name as a question, or `else_say`."""
    near = nearest(word, names)
    return f"Did you mean `{near}`?" if near else else_say
