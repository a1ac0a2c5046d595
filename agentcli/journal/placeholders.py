"""What stands for a secret, and which two placeholders stand for the same one.

`<secret:openai_api_key:1f2e3d4c5b6a>` holds a name and a mark, the start of a keyed HMAC of the value. The mark alone
says which secret it is. The name is for people: a key that is known by its variable in one process, and found by its
form in another, has two. Personal data have placeholders of the same form, which begin with `<personal:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from agentcli.core.canonical import Json, encode
from agentcli.errors import ToolError
from agentcli.journal.nesting import mapped

PLACEHOLDER: Final = re.compile(r"<(?:secret|personal):[a-z0-9_]{1,48}:[0-9a-f]{12}>")


def mark_of(placeholder: str) -> str:
    """The part that says which secret it is."""
    return placeholder[-13:-1]


def nameless(value: Json) -> Json:
    """The value without the names in its placeholders: equal for all that is equal but for what secrets are called."""
    return _renamed(value, lambda found: f"<secret:{mark_of(found[0])}>")


def named_as(value: Json, other: Json) -> Json:
    """The value with the names that another one has for the same secrets."""
    names = {mark_of(found): found for found in PLACEHOLDER.findall(encode(other).decode())}
    return _renamed(value, lambda found: names.get(mark_of(found[0]), found[0]))


def gone(placeholder: str) -> ToolError:
    """The error of a placeholder whose value this process has not seen."""
    family, name, _ = placeholder[1:-1].split(":")
    why = f"{placeholder} stands for a value that this process has not seen."
    if family == "personal":
        return ToolError(
            "E-PERSONAL-GONE",
            f"The personal data behind `{placeholder}` is not available any more.",
            why=why,
            fix="Read what holds it again, then make the same call.",
        )
    return ToolError(
        "E-SECRET-GONE",
        f"The secret `{name}` is not available any more.",
        why=why,
        fix=f"Set `{name}` in the environment or in .env to the value it had.",
    )


def _renamed(value: Json, name: Callable[[re.Match[str]], str]) -> Json:
    if isinstance(value, str):
        return PLACEHOLDER.sub(name, value) if "<" in value else value
    return mapped(value, lambda item: _renamed(item, name), lambda _, item: _renamed(item, name))
