"""What a docstring says of a function: in words, and parameter by parameter. Google, NumPy and reST forms."""

from __future__ import annotations

from dataclasses import field
from inspect import cleandoc

from agentcli.core.values import value

MAX_DESCRIPTION = 2_000
"""Characters: a model reads them with every request."""


@value(frozen=True, slots=True)
class Described:
    """A docstring, read. All texts may be empty."""

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    returns: str = ""


def described(docstring: str | None) -> Described:
    """Read a docstring. One that follows no form is a description as it stands."""
    if not docstring or not docstring.strip():
        return Described()
    import docstring_parser

    try:
        found = docstring_parser.parse(docstring)
    except Exception:
        # Whatever a parser makes of somebody's prose: the words themselves are as good.
        return Described(cleandoc(docstring)[:MAX_DESCRIPTION])
    parameters = {one.arg_name: _one_line(one.description) for one in found.params if one.description}
    returns = _one_line(found.returns.description) if found.returns is not None else ""
    return Described((found.description or "").strip()[:MAX_DESCRIPTION], parameters, returns)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
