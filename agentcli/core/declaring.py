"""How a Python function says that it is a tool: `from agentcli import tool`.

The function stays what it is and can be called as before; the declaration is kept on it. Nothing is read off its types
here: that happens in the worker, when somebody needs to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, get_args, overload

from agentcli.core.rates import Rate
from agentcli.core.tools import Effects
from agentcli.core.values import value
from agentcli.errors import DefinitionError, sentence

ATTRIBUTE: Final = "__agentcli_tool__"
"""Where a function keeps its declaration."""

MAX_RETRIES: Final = 10
MAX_SECONDS: Final = 3_600.0

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What every provider takes as the name of a function."""


@value(frozen=True, slots=True)
class Declared:
    """What a tool's author says of it.

    `effects` is what a call changes; who does not say is taken to change what cannot be taken back. `timeout` and
    `cache_ttl` are seconds, `retries` how often a failed call is tried again, `rate_limit` a rate such as `10/min`.
    Raises DefinitionError E-TOOL-DECLARATION for what makes no sense.
    """

    name: str
    version: str = "1"
    deprecated: str | None = None
    examples: tuple[dict[str, Any], ...] = ()
    effects: Effects = "irreversible"
    timeout: float | None = None
    retries: int = 0
    rate_limit: str | None = None
    cache_ttl: float | None = None

    def __post_init__(self) -> None:
        if why := self._fault():
            raise DefinitionError(
                "E-TOOL-DECLARATION",
                f"The tool `{str(self.name)[:100]}` cannot be declared so.",
                why=sentence(why),
                fix="See docs/own-tools.md for what @tool takes.",
            )

    def _fault(self) -> str:
        checks = (self._text_fault(), self._number_fault(), self._sense_fault())
        return next((fault for fault in checks if fault), "")

    def _text_fault(self) -> str:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            return "its name must begin with a letter and have at most 64 letters, digits, `_` and `-`"
        if not isinstance(self.version, str) or not self.version:
            return "`version` must be a text"
        if self.deprecated is not None and not (isinstance(self.deprecated, str) and self.deprecated.strip()):
            return "`deprecated` must be a text that says what to use instead"
        if not all(isinstance(example, dict) for example in self.examples):
            return "each of `examples` must be an object of arguments"
        return ""

    def _number_fault(self) -> str:
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or not 0 <= self.retries <= MAX_RETRIES:
            return f"`retries` must be a whole number from 0 to {MAX_RETRIES}"
        for name, most in (("timeout", MAX_SECONDS), ("cache_ttl", 86_400.0)):
            value = getattr(self, name)
            wrong = isinstance(value, bool) or not isinstance(value, int | float)
            if value is not None and (wrong or not 0 < value <= most):
                return f"`{name}` must be a number of seconds, above 0 and at most {most:g}"
        return ""

    def _sense_fault(self) -> str:
        if self.effects not in get_args(Effects):
            return f"`effects` must be one of {', '.join(get_args(Effects))}"
        if self.retries and self.effects == "irreversible":
            return "`retries` would do again what cannot be taken back; declare other `effects` or leave it out"
        if self.cache_ttl is not None and self.effects != "read-only":
            return '`cache_ttl` is for tools that change nothing: effects="read-only"'
        try:
            if self.rate_limit is not None:
                Rate.parse(self.rate_limit)
        except (ValueError, AttributeError):
            return "`rate_limit` must be written as 10/min, 5/s, 100/hour or 1000/day"
        return ""


F = TypeVar("F", bound=Callable[..., Any])


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(
    *,
    name: str | None = None,
    version: str = "1",
    deprecated: str | None = None,
    examples: Sequence[dict[str, Any]] = (),
    effects: Effects = "irreversible",
    timeout: float | None = None,
    retries: int = 0,
    rate_limit: str | None = None,
    cache_ttl: float | None = None,
) -> Callable[[F], F]: ...


def tool(function: Any = None, /, *, name: str | None = None, examples: Sequence[Any] = (), **said: Any) -> Any:
    """Declare a function to be a tool that agents can be given. `Declared` says what each argument means.

    Its arguments are described to models by their type hints and by the docstring.
    Raises DefinitionError E-TOOL-DECLARATION.
    """

    def declare(function: F) -> F:
        declared = Declared(name or str(getattr(function, "__name__", "")), examples=tuple(examples), **said)
        setattr(function, ATTRIBUTE, declared)
        return function

    return declare if function is None else declare(function)


def declared_of(value: Any) -> Declared | None:
    """The declaration that a value carries; None for what is no tool."""
    found = getattr(value, ATTRIBUTE, None) if callable(value) else None
    return found if isinstance(found, Declared) else None
