"""Who may call what: permission rules, and the verdict on one call.

A rule is `tool`, `tool(pattern)` on the tool's subject (a workspace path, a host, a whole command), or
`tool(argument=pattern)`; the tool part may hold stars. Deny > ask > allow > the tool's own default, over all layers
together: no layer can soften what another one asks or denies.

Rules that restrict (ask, deny) are read broadly, rules that allow are read narrowly. A broad rule ignores case and
lookalike spellings, covers what lies below a folder or a domain it names, takes a lone `*` for everything, and, where
the call has nothing that its pattern could be held against, matches. A narrow rule does none of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Literal, Protocol, TypeAlias

from agentcli.core.rules import Rule, host_of
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.errors import ErrorInfo

Answer: TypeAlias = Literal["allow", "ask", "deny"]
LayerName: TypeAlias = Literal["user", "project", "agent"]


class PermissionLists(Protocol):
    """The three lists of a `permissions:` block."""

    @property
    def allow(self) -> Sequence[str]:
        """Patterns of calls that need no approval."""

    @property
    def ask(self) -> Sequence[str]:
        """Patterns of calls that are approved one by one."""

    @property
    def deny(self) -> Sequence[str]:
        """Patterns of calls that are refused."""


@value(frozen=True, slots=True)
class Layer:
    """Where rules come from. What a layer without trust allows is asked about instead."""

    name: LayerName
    permissions: PermissionLists
    trusted: bool = True


@value(frozen=True, slots=True)
class Verdict:
    """The decision on one call, the rule that made it, and where that rule stands.

    `asked` is the rule that would have asked, where a flag answered for the user; otherwise empty. `repeatable` says
    whether an approval may hold for the rest of the run: never for what cannot be taken back.
    """

    decision: Answer
    rule: str
    layer: Literal["user", "project", "agent", "flags", "default"]
    asked: str = ""
    repeatable: bool = True


class Policy:
    """The rules in force for one run. `yes` answers every ask, `allow` those that match; neither lifts a deny.

    `answered` are tools that are not executed in this run: what does not happen needs no permission.
    """

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        yes: bool = False,
        allow: Sequence[str] = (),
        answered: Iterable[str] = (),
    ) -> None:
        self._answered = frozenset(answered)
        self._yes = yes
        self._flags = [Rule.parse(text, broad=False) for text in allow]
        self._layers = layers
        self._deny = _rules(layers, "deny", broad=True)
        self._ask = _rules(layers, "ask", broad=True)
        self._allow = _rules((layer for layer in layers if layer.trusted), "allow", broad=False)
        self._untrusted = _rules((layer for layer in layers if not layer.trusted), "allow", broad=False)

    def decide(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> Verdict:
        """The verdict on a call with checked arguments."""
        if spec.name in self._answered:
            return Verdict("allow", "default: not executed", "default")
        verdict = self._by_rules(spec, arguments)
        if verdict.decision != "ask":
            return verdict
        flag = self._flag(spec, arguments)
        return verdict if flag is None else Verdict("allow", flag, "flags", asked=verdict.rule)

    def outlook(self, spec: ToolSpec) -> tuple[Verdict, list[Verdict]]:
        """The verdict on a call that no pattern is about, and what patterns say of other calls, strictest first."""
        plain = copy(self)
        plain._flags = [rule for rule in self._flags if rule.values is None]
        plain._deny, plain._ask, plain._allow, plain._untrusted = (
            [placed for placed in rules if placed[1].values is None]
            for rules in (self._deny, self._ask, self._allow, self._untrusted)
        )
        decisions: tuple[tuple[Answer, list[_Placed]], ...] = (
            ("deny", self._deny),
            ("ask", self._ask),
            ("allow", self._allow),
        )
        special = [
            Verdict(decision, rule.text, layer)
            for decision, rules in decisions
            for layer, rule in rules
            if rule.values is not None and rule.tool.matches(spec.name)
        ]
        return plain.decide(spec, {}), special

    def problems(self, specs: Iterable[ToolSpec]) -> list[ErrorInfo]:
        """Rules that name one of these tools exactly and can never be held against a call of it as they mean to be."""
        rules = [rule for _, rule in (*self._deny, *self._ask, *self._allow, *self._untrusted)] + self._flags
        found = (_problem(rule, spec) for spec in specs for rule in rules if rule.tool.text == spec.name)
        return [problem for problem in found if problem is not None]

    def _by_rules(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> Verdict:
        repeatable = spec.effects != "irreversible"
        decisions: tuple[tuple[Answer, list[_Placed]], ...] = (
            ("deny", self._deny),
            ("ask", self._ask),
            ("allow", self._allow),
        )
        for decision, rules in decisions:
            found = _first(rules, spec, arguments)
            if found is not None:
                return Verdict(decision, found[1].text, found[0], repeatable=repeatable)
        if spec.effects == "read-only" and not spec.asks_per_subject:
            return Verdict("allow", "default: read-only", "default")
        found = _first(self._untrusted, spec, arguments)
        if found is not None:
            return Verdict("ask", f"{found[1].text} (not trusted)", found[0], repeatable=repeatable)
        default = "a host for the first time" if spec.asks_per_subject else spec.effects
        return Verdict("ask", f"default: {default}", "default", repeatable=repeatable)

    def _flag(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> str | None:
        for rule in self._flags:
            if rule.matches(spec, arguments):
                return f"--allow {rule.text}"
        return "--yes" if self._yes else None


def remembered(spec: ToolSpec, arguments: Mapping[str, Any]) -> str:
    """What an approval for the rest of the run holds for: the tool, or the tool with this one subject.

    It is written as the rule that would allow the same: `create_file`, `fetch_url(docs.example.org)`.
    """
    subject = subject_of(spec, arguments) if spec.asks_per_subject else None
    return spec.name if subject is None else f"{spec.name}({subject})"


def subject_of(spec: ToolSpec, arguments: Mapping[str, Any]) -> str | None:
    """What a call is about, as permission patterns see it; None where nothing tells."""
    value = arguments.get(spec.subject) if spec.subject is not None else None
    if not isinstance(value, str):
        return None
    return host_of(value) if spec.subject_kind == "host" else value


_Placed: TypeAlias = tuple[LayerName, Rule]


def _rules(layers: Iterable[Layer], which: Answer, *, broad: bool) -> list[_Placed]:
    return [
        (layer.name, Rule.parse(text, broad=broad)) for layer in layers for text in getattr(layer.permissions, which)
    ]


def _first(rules: list[_Placed], spec: ToolSpec, arguments: Mapping[str, Any]) -> _Placed | None:
    return next((placed for placed in rules if placed[1].matches(spec, arguments)), None)


def _problem(rule: Rule, spec: ToolSpec) -> ErrorInfo | None:
    if rule.values is None:
        return None
    argument = rule.argument or spec.subject
    what = f"The permission `{rule.text}` cannot be held against calls of {spec.name}."
    if argument is None or argument not in spec.parameters.get("properties", {}):
        names = ", ".join(spec.parameters.get("properties", {})) or "none"
        why = (
            f"It has no argument `{argument}`." if rule.argument else "No argument of it is matched by a bare pattern."
        )
        return ErrorInfo("E-PERMISSION-ARGUMENT", what, why, f"Its arguments are: {names}.")
    if argument in spec.subjects and spec.subject_kind == "path" and rule.paths is None:
        why = "Its pattern leads out of the workspace."
        return ErrorInfo("E-PERMISSION-ARGUMENT", what, why, "Write the path relative to the workspace.")
    return None
