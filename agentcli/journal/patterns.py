"""What a secret looks like when nobody told us its value: by the name it stands under, or by its own form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial

from agentcli.core.values import value

_LAST_WORDS = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
        "token",
        "apikey",
        "authorization",
        "credential",
        "credentials",
        "cookie",
    }
)
_LAST_PAIRS = frozenset(
    (first, "key")
    for first in [
        "api",
        "access",
        "private",
        "secret",
        "auth",
        "encryption",
        "signing",
        "account",
        "master",
        "session",
        "service",
        "subscription",
    ]
)
_AFTERTHOUGHTS = frozenset(
    {
        "value",
        "plain",
        "raw",
        "old",
        "new",
        "current",
        "confirm",
        "confirmation",
        "prod",
        "dev",
        "test",
        "staging",
        "base64",
    }
)
_HARMLESS_TOKENS = frozenset(
    {
        "page",
        "pad",
        "eos",
        "bos",
        "unk",
        "mask",
        "sep",
        "cls",
        "stop",
        "next",
        "continuation",
        "cancellation",
        "last",
        "first",
        "special",
        "max",
        "min",
    }
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_REFERENCE = re.compile(
    r"(?:(?i:basic|bearer|token|digest)\s+)?(?:\$\{?\w+\}?|\{\{.*\}\}|\*+|(?i:true|false|null|none))", re.DOTALL
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.]*")


@lru_cache(maxsize=4096)
def names_secret(name: str) -> bool:
    """Whether a key says that its value is a secret: by whole words, so that `tokens` or `max_output_tokens` do not."""
    words = [word.lower() for word in _WORDS.findall(name[:200])]
    while words and (words[-1] in _AFTERTHOUGHTS or words[-1].isdigit()):
        words.pop()
    if not words:
        return False
    if words[-1] == "token" and len(words) > 1 and words[-2] in _HARMLESS_TOKENS:
        return False
    return words[-1] in _LAST_WORDS or tuple(words[-2:]) in _LAST_PAIRS


def is_reference(value: str) -> bool:
    """Whether what stands under a secret's name only points to one (`Bearer ${API_KEY}`, `{{ key }}`) or hides it."""
    return _REFERENCE.fullmatch(value.strip()) is not None


def looks_random(value: str) -> bool:
    """Whether a value that is assigned to a secret's name in running text is one, rather than code or prose."""
    if is_reference(value) or value.isdigit():
        return False
    if any(char.isdigit() for char in value):
        return any(char.isalpha() for char in value)
    return len(value) >= 20 and _IDENTIFIER.fullmatch(value) is None


@value(frozen=True, slots=True)
class Pattern:
    """A form of secret. Group 1, or the first group that took part, is the secret; without groups all of it is.

    A text (in lower case) that holds none of `triggers` cannot match. `loose` forms need a value that looks random.
    `regex` compiles it when a text first holds a trigger, and remembers it.
    """

    name: str
    regex: Callable[[], re.Pattern[str]]
    triggers: tuple[str, ...]
    loose: bool = False


def _pattern(name: str, regex: str, *triggers: str, loose: bool = False) -> Pattern:
    return Pattern(name, cache(partial(re.compile, regex)), triggers, loose)


_NAMES = r"(?i:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private|secret|auth)[_-]?key|credentials?)"
_QUOTED = r""""([^"\n]{6,512})"|'([^'\n]{6,512})'|\\"([^"\\\n]{6,512})\\\""""
_BARE = r"""([^\s"'<>{}()\[\],;&|\\]{8,512})"""

PATTERNS: tuple[Pattern, ...] = (
    # Also one that is cut off: a file's first lines are enough to leak it.
    _pattern(
        "private_key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\\":,.]|-(?!----)){16,20000}"
        r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
        "private key-----",
    ),
    _pattern("jwt", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048}", "eyj"),
    _pattern("api_key", r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,256}", "sk-"),
    _pattern(
        "stripe_key", r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,256}", "_live_", "_test_", "whsec_"
    ),
    _pattern(
        "aws_key_id", r"(?<![A-Z0-9])A(?:KIA|SIA|IDA|ROA)[A-Z0-9]{16}(?![A-Z0-9])", "akia", "asia", "aida", "aroa"
    ),
    _pattern(
        "github_token",
        r"(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{22,255})",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        loose=True,
    ),
    _pattern("gitlab_token", r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,255}", "glpat-", "gldt-", "glrt-", loose=True),
    _pattern("slack_token", r"xox[abeprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}", "xox", "xapp-"),
    _pattern("google_key", r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,512}", "aiza", "ya29."),
    _pattern(
        "provider_token",
        r"(?:hf|gsk|npm|nvapi|xai|pplx|r8|dop_v1)[_-][A-Za-z0-9_-]{30,255}",
        *("hf_", "gsk_", "npm_", "nvapi-", "xai-", "pplx-", "r8_", "dop_v1_"),
        loose=True,
    ),
    _pattern("pypi_token", r"pypi-[A-Za-z0-9_-]{50,512}", "pypi-"),
    _pattern("sendgrid_key", r"SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{40,50}", "sg."),
    _pattern(
        "authorization",
        r"""(?i:authorization)\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?(?i:basic|bearer|token|digest)\s{1,3}([^\s"'<>\\]{6,4096})""",
        "authorization",
    ),
    _pattern("bearer_token", r"(?i:bearer)\s{1,3}([A-Za-z0-9._~+/-]{16,4096}=*)", "bearer", loose=True),
    _pattern("url_password", r"://[^\s/@:\"'<>]{0,256}:([^\s/@\"'<>]{1,256})@", "://"),
    _pattern(
        "assigned",
        rf"""{_NAMES}[A-Za-z0-9_-]{{0,24}}\\?["']?\s{{0,3}}(?:=>|:=|[:=])\s{{0,3}}(?:{_QUOTED}|{_BARE})""",
        *("pass", "pwd", "secret", "token", "key", "credential"),
        loose=True,
    ),
    _pattern(
        "flag",
        r"(?i:--[a-z-]{0,24}(?:password|passphrase|token|api-key|secret))[ =]([^\s\"'<>]{6,512})",
        *("pass", "token", "key", "secret"),
        loose=True,
    ),
)
"""In the order in which they are tried: the more a form says, the earlier."""


def gated(patterns: Sequence[Pattern]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The triggers by a sign that all of them hold: where the sign is missing, none need be looked for."""
    groups: dict[str, list[str]] = {}
    for trigger in dict.fromkeys(trigger for pattern in patterns for trigger in pattern.triggers):
        sign = next((char for char in trigger if not char.isalnum()), "")
        groups.setdefault(sign, []).append(trigger)
    return tuple((sign, tuple(triggers)) for sign, triggers in groups.items())


def custom(expressions: Sequence[str]) -> tuple[Pattern, ...]:
    """Patterns of the user's own, in the syntax of RE2: whoever wrote them, and whatever text meets them, they take
    linear time. Raises re2.error.
    """
    if not expressions:
        return ()
    import re2

    options = re2.Options()
    options.log_errors = False
    compiled = [re2.compile(expression, options) for expression in expressions]
    return tuple(Pattern("custom", partial(_same, regex), ("",)) for regex in compiled)


def _same(regex: re.Pattern[str]) -> re.Pattern[str]:
    return regex
