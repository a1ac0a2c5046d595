"""Every error agentcli raises on purpose.

    AgentcliError
    ├── UsageError            exit 2   the command line: a bad word, a name that is not there, a missing input
    ├── DefinitionError       exit 3   a file: template, workflow or configuration (file, line, column)
    ├── LimitError            exit 4   turns, tokens, cost or time ran out
    ├── DeniedError           exit 5   an ask that nobody could answer, or no sandbox for what needs one
    ├── DivergenceError       exit 6   a replay met something other than what was recorded
    ├── ModelError            exit 7   no model, or the provider could not answer
    │   ├── ModelTransientError        worth another try (429, 5xx, broken connection, timeout)
    │   └── ModelStreamError           a stream that ended before its end mark: never an answer
    ├── CheckError            exit 8   `test`, `runs verify`, `doctor`, `diff --exit-code` found something
    ├── RunError              exit 1   the run itself failed (output that breaks its schema, a failed step)
    ├── StorageError          exit 1   the journal or the disk: full, unreadable, damaged
    └── ToolError             no exit  told to the model as the result of its call
        ├── ToolArgumentsError         arguments that do not fit the tool's schema
        ├── ToolRefusedError           a deny rule or confinement; status `denied`
        └── ToolTimeoutError           the call ran out of its time; status `timeout`

An error is part of the interface: a stable `code`, then *what* happened, *why*, and what to do (*fix*).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

__all__ = [
    "AgentcliError",
    "CheckError",
    "DefinitionError",
    "DeniedError",
    "DivergenceError",
    "ErrorInfo",
    "LimitError",
    "ModelError",
    "ModelStreamError",
    "ModelTransientError",
    "RunError",
    "StorageError",
    "ToolArgumentsError",
    "ToolError",
    "ToolRefusedError",
    "ToolTimeoutError",
    "UsageError",
    "sentence",
]


def sentence(text: str) -> str:
    """Words of others (the system, a parser, a template) in the form of our own: a capital first, a stop last."""
    words = text.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!", "…")) or not words else ".")


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as data: what `run.completed.error` and the `error` event carry.

    `line` and `column` count from 1. `exit_code` is the contract's.
    """

    code: str
    what: str
    why: str = ""
    fix: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's `error` object; absent places are left out."""
        out: dict[str, Any] = {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}
        for name in ("file", "line", "column"):
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ErrorInfo:
        """Read back what `to_json` wrote; unknown keys of a newer version are ignored."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})


class AgentcliError(Exception):
    """Base of the tree. `code` is stable (`E-TEMPLATE-UNKNOWN-KEY`); the three texts are one line each."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(what)
        self.info = ErrorInfo(code, what, why, fix, file, line, column)

    @property
    def code(self) -> str:
        """The stable code, for scripts and the troubleshooting guide."""
        return self.info.code


class UsageError(AgentcliError):
    """The command line cannot be carried out as typed."""

    exit_code = 2


class DefinitionError(AgentcliError):
    """A template, workflow or configuration file is invalid. `others` holds further problems of the same check."""

    exit_code = 3

    def __init__(self, code: str, what: str, *, others: tuple[ErrorInfo, ...] = (), **texts: Any) -> None:
        super().__init__(code, what, **texts)
        self.others = others


class LimitError(AgentcliError):
    """A limit stopped the run. `limit` is its name in `limits:`."""

    exit_code = 4

    def __init__(self, code: str, what: str, *, limit: str, **texts: Any) -> None:
        super().__init__(code, what, **texts)
        self.limit = limit


class DeniedError(AgentcliError):
    """Nobody could answer an ask, or there is no sandbox for what must be sandboxed."""

    exit_code = 5


class DivergenceError(AgentcliError):
    """Replay met something else than the record: `at` (seq), JSON `path`, and both values."""

    exit_code = 6

    def __init__(
        self, code: str, what: str, *, at: int | None, path: str, recorded: Any, current: Any, **texts: Any
    ) -> None:
        super().__init__(code, what, **texts)
        self.at, self.path, self.recorded, self.current = at, path, recorded, current


class ModelError(AgentcliError):
    """The model could not answer; trying again as is would not help."""

    exit_code = 7


class ModelTransientError(ModelError):
    """The model could not answer this time. `retry_after` is the server's own wish in seconds."""

    def __init__(self, code: str, what: str, *, retry_after: float | None = None, **texts: Any) -> None:
        super().__init__(code, what, **texts)
        self.retry_after = retry_after


class ModelStreamError(ModelTransientError):
    """A stream ended before the provider's end mark; what came so far is not an answer."""


class CheckError(AgentcliError):
    """A check that the user asked for found something wrong."""

    exit_code = 8


class RunError(AgentcliError):
    """The run ended without the result it should have. `output` is what there is of it."""

    output: Any = None


class StorageError(AgentcliError):
    """The journal or the disk could not be read or written."""


class ToolError(AgentcliError):
    """A tool call failed; the model is told, and the run goes on.

    `tool` and `arguments` are the call's, empty until `in_call` has set them; the cause is `__cause__`. `details` are
    JSON for the record, which the model is not told: a trace, for one.
    """

    status: ClassVar[Literal["error", "denied", "timeout"]] = "error"
    details: Any = None
    tool: str = ""
    arguments: Mapping[str, Any] = MappingProxyType({})

    def in_call(self, tool: str, arguments: Mapping[str, Any]) -> Self:
        """The same error, which now knows the call it happened in."""
        self.tool, self.arguments = tool, arguments
        return self


class ToolArgumentsError(ToolError):
    """The arguments do not fit the tool's schema."""


class ToolRefusedError(ToolError):
    """The call is not allowed: a deny rule, or a path outside the workspace."""

    status = "denied"


class ToolTimeoutError(ToolError):
    """The call ran out of its time."""

    status = "timeout"
