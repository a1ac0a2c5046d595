"""One permission rule: how it is written, and which calls it is about.

See `policies` for what rules that restrict and rules that allow have different.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from agentcli.core.canonical import encode
from agentcli.core.globs import GlobError, PathGlob, TextGlob
from agentcli.core.paths import relative_parts
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.errors import DefinitionError, ToolError

_RULE = re.compile(r"(?P<tool>[A-Za-z*][A-Za-z0-9_.*-]*)(?:\((?P<inner>.+)\))?", re.DOTALL)
_ARGUMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<pattern>.*)", re.DOTALL)
_COMPOUND = re.compile(r"[;&|<>\n\r`$(){}]")
"""What can make one shell command into several, or send its output elsewhere."""


@value(frozen=True, slots=True)
class Rule:
    """One pattern, ready to be held against calls."""

    text: str
    broad: bool
    tool: TextGlob
    argument: str | None
    paths: PathGlob | None
    """None where the rule has no pattern, and where its pattern cannot be one of workspace paths."""
    below: PathGlob | None
    values: TextGlob | None

    @classmethod
    def parse(cls, text: str, *, broad: bool) -> Rule:
        """Read a rule. Raises DefinitionError (E-PERMISSION-PATTERN)."""
        match = _RULE.fullmatch(text.strip())
        if match is None:
            raise _bad_pattern(text, "It is not of the form `tool`, `tool(pattern)` or `tool(argument=pattern)`.")
        argument, pattern = _split(match["inner"])
        try:
            tool = TextGlob.parse(match["tool"])
            if pattern is None:
                return cls(text, broad, tool, argument, None, None, None)
            values = TextGlob.parse(pattern, folded=broad)
            paths = _path_glob("**" if broad and pattern == "*" else pattern, broad)
            below = _path_glob(f"{pattern}/**", broad) if broad and paths and paths.ends_literally() else None
        except GlobError as error:
            raise _bad_pattern(text, f"Its pattern cannot be read: {error}.") from error
        return cls(text, broad, tool, argument, paths, below, values)

    def matches(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> bool:
        """Whether the call is one that the rule is about."""
        if not self.tool.matches(spec.name):
            return False
        if self.values is None:
            return True
        subjects = spec.subjects if self.argument is None else (self.argument,)
        if not subjects:
            return self._closed()
        # Of several paths a restriction holds for any one, an allowance only for all of them.
        return (any if self.broad else all)(self._matches_argument(spec, name, arguments) for name in subjects)

    def _matches_argument(self, spec: ToolSpec, name: str, arguments: Mapping[str, Any]) -> bool:
        if self.values is None or name not in arguments:
            return self._closed()
        if name not in spec.subjects:
            return self.values.matches(_as_text(arguments[name]))
        value, values = arguments[name], self.values
        if isinstance(value, list) and value:  # as of several subjects
            return (any if self.broad else all)(self._matches_subject(spec, one, values) for one in value)
        return self._matches_subject(spec, value, values)

    def _matches_subject(self, spec: ToolSpec, value: Any, values: TextGlob) -> bool:
        if not isinstance(value, str):
            return self._closed()
        if spec.subject_kind == "path":
            return self._matches_path(value)
        if spec.subject_kind == "host":
            host = host_of(value)
            return self._closed() if host is None else self._matches_host(host, values)
        if spec.subject_kind == "command" and not self.broad and _COMPOUND.search(value):
            return False
        return values.matches(value.strip())

    def _matches_path(self, value: str) -> bool:
        try:
            parts = relative_parts(value)
        except ToolError:  # confinement refuses it; no rule may let it by before that
            return self._closed()
        if self.paths is None:
            return self._closed()
        return self.paths.matches(parts) or (self.below is not None and self.below.matches(parts))

    def _matches_host(self, host: str, values: TextGlob) -> bool:
        if values.matches(host):
            return True
        labels = host.split(".")
        return self.broad and any(values.matches(".".join(labels[start:])) for start in range(1, len(labels)))

    def _closed(self) -> bool:
        """The answer where the pattern cannot be held against the call: a restriction of this very tool holds."""
        return self.broad and "*" not in self.tool.text


def _split(inner: str | None) -> tuple[str | None, str | None]:
    if inner is None:
        return None, None
    match = _ARGUMENT.fullmatch(inner)
    return (match["name"], match["pattern"]) if match else (None, inner.strip())


def _path_glob(pattern: str, broad: bool) -> PathGlob | None:
    """The pattern over paths; None where it leads out of the workspace, as a command or a value may look like."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return None
    return PathGlob.parse(pattern, folded=broad)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()


def host_of(url: str) -> str | None:
    """The host of a URL, in lower case; None where there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _bad_pattern(text: str, why: str) -> DefinitionError:
    return DefinitionError(
        "E-PERMISSION-PATTERN",
        f"The permission `{text[:100]}` cannot be read.",
        why=why,
        fix="Write `create_file`, `create_file(docs/**)` or `create_file(overwrite=true)`.",
    )
