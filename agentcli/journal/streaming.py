"""Redacting a text that comes in pieces."""

from __future__ import annotations

import re

from agentcli.journal.redaction import SecretRedactor

_LONGEST = 8_192
"""So much is held back at most where no white space comes; known secrets may ask for more."""

_LEAD = 560
"""Characters before a cut in which something may stand that announces a secret."""

_TRIES = 6
"""White spaces, from the last backwards, at which a cut is tried."""

_STEPS = tuple(32 << power for power in range(8))
"""Characters to go back where a cut must not be: past any known secret, in few steps."""

_SPACE = re.compile(r"\s+")
_LEADS = re.compile(
    r"""(?ix) (?: [:=] >? (?: \s* ["'] [^"'\n]{0,512} )?
                | (?: pass | pwd | secret | token | key | credential | authorization ) [a-z0-9_-]{0,24}
                | bearer | basic | digest | --[a-z-]{0,40} | -----begin [\sa-z]{0,30} ) [\s"'\\]* $"""
)
_OPEN_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?![\s\S]*-----END [A-Z ]{0,30}PRIVATE KEY-----)")


class StreamRedactor:
    """Passes on what can no longer become part of a secret: `feed` gives what is safe to show, `flush` the rest."""

    def __init__(self, redactor: SecretRedactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; returns what may be shown now, perhaps nothing."""
        self._held += text
        cut = self._cut()
        shown, self._held = self._held[:cut], self._held[cut:]
        return str(self._redactor.redact(shown)) if shown else ""

    def flush(self) -> str:
        """The text has ended (or is void): returns what was held back."""
        shown, self._held = self._held, ""
        return str(self._redactor.redact(shown)) if shown else ""

    def _cut(self) -> int:
        """The end of the last white space that neither announces a secret nor lies within one; else 0."""
        held = self._held
        most = max(_LONGEST, 2 * self._redactor.longest)
        if len(held) > most:
            return self._forced(len(held) - most // 2)
        open_key = _OPEN_KEY.search(held) if "-----BEGIN" in held else None
        limit = open_key.start() if open_key else len(held)
        ends = [found.end() for found in _SPACE.finditer(held, 0, limit)]
        for end in reversed(ends[-_TRIES:]):
            if not (_LEADS.search(held[max(0, end - _LEAD) : end]) or self._splits(end)):
                return end
        return 0

    def _splits(self, cut: int) -> bool:
        """Whether a known secret with white space in it, or personal data, may stand across the cut."""
        held = self._held
        if self._redactor.may_go_on(held, cut):
            return True
        for form in self._redactor.spaced:
            for at in range(max(0, cut - len(form) + 1), cut):
                if held.startswith(form, at) or form.startswith(held[at:]):
                    return True
        return False

    def _forced(self, cut: int) -> int:
        """Where to cut a text that gives no chance to: not inside a secret that is found in it now."""
        spaces = [found.end() for found in _SPACE.finditer(self._held, 0, cut)]
        whole = self._redactor.redact(self._held)
        for at in (*spaces[-1:], cut, *(max(1, cut - step) for step in _STEPS)):
            head, tail = self._held[:at], self._held[at:]
            if f"{self._redactor.redact(head)}{self._redactor.redact(tail)}" == whole:
                return at
        return cut
