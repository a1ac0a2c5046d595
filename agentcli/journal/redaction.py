"""Secrets become placeholders, once, on their way in; and secrets again for the tools that may have them.

A placeholder (`<secret:openai_api_key:1f2e3d4c5b6a>`) holds a name and the start of a keyed HMAC of the value: the same
value gets the same one in every run of this user, and nobody without the key can test a guess against it. Where it is
switched on, personal data goes the same way, as `<personal:email:1f2e3d4c5b6a>`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from agentcli.core.canonical import Digest, Json
from agentcli.errors import ToolRefusedError
from agentcli.journal.encodings import encodings, telling_lines
from agentcli.journal.nesting import mapped, same, under_secret_names
from agentcli.journal.patterns import PATTERNS, Pattern, custom, gated, is_reference, looks_random, names_secret
from agentcli.journal.personal import PersonalData
from agentcli.journal.placeholders import PLACEHOLDER, gone, mark_of

if TYPE_CHECKING:
    from agentcli.journal.streaming import StreamRedactor

SHORTEST = 6
"""Known values of fewer characters are not looked for: they would be found in ordinary words."""

_LEARNED = 256
"""So many values that stood under a secret's name are also looked for elsewhere."""

_REMEMBERED = 20_000
"""So many values can be restored; the oldest is forgotten first."""

_SCHEMES = re.compile(r"(?i)\b(?:basic|bearer|token|digest)\b")
_PARTS = re.compile(f"({PLACEHOLDER.pattern})")
_DIGITS = 6


class SecretRedactor:
    """See `Redactor`. Not tied to a thread or an event loop.

    `known` maps a name to a secret value; `patterns` are more regular expressions (RE2) of what to hide; `personal` are
    the kinds of personal data that are hidden too (see `PersonalData`).
    """

    def __init__(
        self, key: bytes, known: Mapping[str, str], patterns: Sequence[str] = (), personal: Sequence[str] = ()
    ) -> None:
        self._key = key
        self._personal = PersonalData(personal)
        self._patterns = (*PATTERNS, *custom(patterns))
        self._triggers = gated(self._patterns)
        self._secrets: dict[str, str] = {}
        # By placeholder and, for one that has another name elsewhere, by its mark.
        self._pinned: dict[str, str] = {}
        self._originals: dict[str, Json] = {}
        self._learned = 0
        for name in sorted(known):
            self._know(name, known[name])
        self._compile()

    @property
    def longest(self) -> int:
        """Characters of the longest known form of a secret."""
        return max(map(len, self._secrets), default=0)

    @property
    def spaced(self) -> tuple[str, ...]:
        """The known forms with white space in them."""
        return tuple(form for form in self._secrets if not form.isprintable() or " " in form)

    def redact(self, value: Json) -> Json:
        """The value with every secret replaced by its placeholder. The same object if there was none."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, (dict, list, tuple)):
            self._learn(value)
        return self._value(value)

    def restore(self, value: Json) -> Json:
        """The value with placeholders replaced by secrets. Raises ToolError E-SECRET-GONE where one is not known."""
        if isinstance(value, str):
            if PLACEHOLDER.fullmatch(value):
                return self._original(value)
            return PLACEHOLDER.sub(lambda found: str(self._original(found[0])), value) if "<" in value else value
        return mapped(value, self.restore, lambda name, item: self.restore(item))

    def restore_one_of(self, placeholder: str, values: Collection[str]) -> str:
        """The value that a placeholder stands for, where it is one of these; what is none, as it is.

        Raises ToolRefusedError E-TOOL-SECRET.
        """
        if PLACEHOLDER.fullmatch(placeholder) is None:
            return placeholder
        for value in values:
            if mark_of(placeholder) == self._mark(value):
                return value
        raise ToolRefusedError(
            "E-TOOL-SECRET",
            f"What `{placeholder}` stands for may not be sent there.",
            why="The user's own file does not grant it to this host.",
            fix="Call it without the placeholder.",
        )

    def may_go_on(self, text: str, end: int) -> bool:
        """Whether personal data may stand across the white space that ends at `end`."""
        return self._personal.may_go_on(text, end)

    def stream(self) -> StreamRedactor:
        """See `Redactor`."""
        from agentcli.journal.streaming import StreamRedactor

        return StreamRedactor(self)

    def holds_secret(self, data: bytes) -> bool:
        """Whether content holds a secret, in UTF-8 or UTF-16."""
        text = data.decode("utf-8", "replace")
        if self._text(text) is not text:
            return True
        if b"\0" not in data:
            return False
        # Without its zeros, what UTF-16 makes of ASCII is ASCII.
        if self._personal.finds(text.replace("\0", "")):
            return True
        return any(form.encode(code) in data for form in self._secrets for code in _WIDE)

    def keyed_digest(self, data: bytes) -> Digest:
        """HMAC-SHA-256 under this user's key."""
        return hmac.digest(self._key, data, "sha256").hex()

    # -- values -------------------------------------------------------------------------------------------------

    def _value(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and self._personal.is_card(value):
            return self._placeholder("card", value, "personal")
        return mapped(value, self._value, self._named)

    def _named(self, name: str, value: Json) -> Json:
        """A value that stands under a name."""
        if names_secret(name):
            return self._under(name, value)
        kind = self._personal.named(name)
        return self._value(value) if kind is None else self._under_kind(kind, value)

    def _under_kind(self, kind: str, value: Json) -> Json:
        """A value under a name that says what kind of personal data it is."""
        if isinstance(value, (list, tuple)):
            return same([self._under_kind(kind, item) for item in value], value)
        if self._personal.may_be(kind, value):
            return self._placeholder(kind, value, "personal")
        return self._value(value)

    def _under(self, name: str, value: Json) -> Json:
        """A value under a name that says it is secret. What is nested deeper has names of its own."""
        if isinstance(value, (list, tuple)):
            return same([self._under(name, item) for item in value], value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._placeholder(name, value) if abs(value) >= 10 ** (_DIGITS - 1) else value
        if not isinstance(value, str):
            return self._value(value)
        clean = self._text(value)
        rest = _SCHEMES.sub("", PLACEHOLDER.sub("", clean)).strip()
        if not rest or is_reference(clean):
            return clean
        return self._secrets.get(value) or self._placeholder(name, value)

    def _learn(self, value: Json) -> None:
        """Values under secret names are secrets wherever else they stand, here and from now on."""
        fresh = [
            (name, text)
            for name, text in under_secret_names(value)
            if len(text) >= SHORTEST + 2
            and text not in self._secrets
            and looks_random(text)
            and not _PARTS.search(text)
        ]
        for name, text in fresh[: _LEARNED - self._learned]:
            if text not in self._secrets:
                self._learned += 1
                self._secrets[text] = self._placeholder(name, text)
        if fresh:
            self._compile()

    def _learn_lines(self, name: str, secret: str) -> None:
        """A key that was seen whole is known by its lines: another call may show some of them alone."""
        fresh = [line for line in telling_lines(secret) if line not in self._secrets and not _PARTS.search(line)]
        for line in fresh[: _LEARNED - self._learned]:
            self._learned += 1
            self._secrets[line] = self._placeholder(f"{name}_line", line)
        if fresh:
            self._compile()

    # -- texts --------------------------------------------------------------------------------------------------

    def _text(self, text: str) -> str:
        if not self._suspect(text) and not self._personal.finds(text):
            return text
        # What is left between two placeholders can match where the whole did not; each round leaves less.
        while (cleaner := self._once(text)) != text:
            text = cleaner
        return text

    def _suspect(self, text: str) -> bool:
        """A quick look that almost all texts end with."""
        # Plain loops: generators would cost more than the looks themselves.
        for form in self._forms:
            if form in text:
                return True
        lower = text.lower()
        for sign, triggers in self._triggers:
            if sign in lower:
                for trigger in triggers:
                    if trigger in lower:
                        return True
        return False

    def _once(self, text: str) -> str:
        text = _outside(text, self._replace_known)
        lower = text.lower()
        for pattern in self._patterns:
            if any(trigger in lower for trigger in pattern.triggers):
                text = _outside(text, partial(self._replace_form, pattern))
        for kind in self._personal.kinds:
            text = _outside(text, partial(self._replace_personal, kind))
        return text

    def _replace_known(self, text: str) -> str:
        return self._known.sub(lambda found: self._secrets[found[0]], text)

    def _replace_form(self, pattern: Pattern, text: str) -> str:
        def replace(found: re.Match[str]) -> str:
            group = found.lastindex or 0
            secret = found[group]
            if not secret or is_reference(secret) or (pattern.loose and not looks_random(secret)):
                return found[0]
            self._learn_lines(pattern.name, secret)
            at = found.start(group) - found.start()
            return found[0][:at] + self._placeholder(pattern.name, secret) + found[0][at + len(secret) :]

        return pattern.regex().sub(replace, text)

    def _replace_personal(self, kind: str, text: str) -> str:
        return self._personal.replaced(kind, text, lambda value: self._placeholder(kind, value, "personal"))

    # -- placeholders -------------------------------------------------------------------------------------------

    def _know(self, name: str, value: str) -> None:
        if len(value) < SHORTEST:
            return
        for suffix, form in encodings(value):
            if form not in self._secrets:
                made = self._placeholder(name + suffix, form)
                self._secrets[form] = made
                self._pinned[made] = self._pinned[mark_of(made)] = form

    def _compile(self) -> None:
        self._forms = tuple(sorted(self._secrets, key=len, reverse=True))
        # Without any form: what never matches.
        self._known = re.compile("|".join(map(re.escape, self._forms)) or "(?!)")

    def _placeholder(self, name: str, value: Json, family: str = "secret") -> str:
        slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:48] or "value"
        made = f"<{family}:{slug}:{self._mark(value)}>"
        for key in (made, mark_of(made)):
            if key not in self._originals and len(self._originals) >= 2 * _REMEMBERED:
                self._originals.pop(next(iter(self._originals)))
            self._originals[key] = value
        return made

    def _mark(self, value: Json) -> str:
        return self.keyed_digest(str(value).encode("utf-8", "surrogatepass"))[:12]

    def _original(self, placeholder: str) -> Json:
        keys = (placeholder, mark_of(placeholder))
        original = next((held[key] for key in keys for held in (self._pinned, self._originals) if key in held), None)
        if original is None:
            raise gone(placeholder)
        # A value that was hidden as a whole may hold placeholders itself.
        return self.restore(original) if isinstance(original, str) else original


_WIDE = ("utf-16-le", "utf-16-be")


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text with what lies between its placeholders changed."""
    parts = _PARTS.split(text)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))
