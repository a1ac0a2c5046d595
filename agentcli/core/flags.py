"""Marks on what a tool brought: a place where it reads as if it wanted to instruct the model."""

from __future__ import annotations

from typing import Any

from agentcli.core.values import value

MOST_FLAGS = 20
"""Flags of one result at most: the first ones tell, and the record stays small."""

MOST_EXCERPT = 120
"""Characters of an excerpt at most."""


@value(frozen=True, slots=True)
class Flag:
    """A suspicious place. `kind` says what it looks like, `at` is the character of the result where it begins, and
    `excerpt` what stands there, decoded where it was hidden.
    """

    kind: str
    at: int
    excerpt: str

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"kind": self.kind, "at": self.at, "excerpt": self.excerpt}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Flag:
        """Read back what `to_json` wrote. Raises ValueError for what it never wrote, KeyError or TypeError."""
        kind, at, excerpt = value["kind"], value["at"], value["excerpt"]
        if not isinstance(kind, str) or not isinstance(excerpt, str) or type(at) is not int or at < 0:
            raise ValueError("it marks no place of a text")
        return cls(kind, at, excerpt)
