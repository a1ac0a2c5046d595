"""What went wrong between us and a model server, as typed errors with a way out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agentcli.core.retry_after import retry_after
from agentcli.core.values import value
from agentcli.errors import ModelError, ModelStreamError, ModelTransientError, sentence

_CONTEXT = re.compile(
    r"context.{0,3}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens|input is too long",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model\b.{0,120}\b(not found|does not exist|not exist|unknown|not available|invalid)|"
    r"(unknown|invalid|no such|not a valid) model|not found.{0,20}\bmodel\b",
    re.IGNORECASE | re.DOTALL,
)
_UNPAID = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
_STATUS_OF_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "timeout_error": 408,
}


@value(frozen=True, slots=True)
class Correspondent:
    """Whom we talk to, as messages name it. `key_env` names the variable of the key, `key` is never shown."""

    provider: str
    model: str
    base_url: str
    key_env: str | None = None
    key: str | None = None

    @property
    def name(self) -> str:
        """`provider:model`."""
        return f"{self.provider}:{self.model}"

    def plain(self, text: str, limit: int = 300) -> str:
        """A server's text as one line, shortened, without the key."""
        if self.key:
            text = text.replace(self.key, "***")
        line = " ".join(text.split())
        return line if len(line) <= limit else f"{line[:limit]}…"


def from_status(whom: Correspondent, status: int, headers: Mapping[str, str], body: bytes, now: float) -> ModelError:
    """The error for an answer that is not 200. `now` is Unix seconds, for Retry-After dates."""
    if 300 <= status < 400:
        return ModelError(
            "E-MODEL-REDIRECT",
            f"{whom.base_url} sends the request elsewhere (HTTP {status}).",
            why="Redirects are not followed, so that a key never reaches another address.",
            fix="Set base_url to the final address.",
        )
    code, message = _details(body)
    return _by_status(whom, status, code, whom.plain(message), retry_after(headers, now))


def from_stream(whom: Correspondent, error: Any) -> ModelError:
    """The error for an error object inside a stream that began well."""
    details = error if isinstance(error, dict) else {"message": str(error)}
    code, message = _named(details)
    status = _STATUS_OF_TYPE.get(str(details.get("type"))) or _number(details.get("code")) or 500
    found = _by_status(whom, status, code, whom.plain(message), None)
    if type(found) is not ModelTransientError or found.code != "E-MODEL-SERVER":
        return found
    return ModelStreamError(found.code, f"{whom.name} broke its answer off.", why=found.info.why, fix=found.info.fix)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and 400 <= value <= 599 else None


def _details(body: bytes) -> tuple[str, str]:
    """The code and the message of an error's body, whatever its shape."""
    text = body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "", "" if "<html" in text[:1000].lower() else text
    if isinstance(value, list) and value:  # Gemini wraps its errors in a list
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    return _named(error) if isinstance(error, dict) else ("", str(error))


def _named(error: dict[str, Any]) -> tuple[str, str]:
    code = error.get("code")
    name = code if isinstance(code, str) else error.get("type")
    message = error.get("message") or error.get("detail") or ""
    return str(name or ""), message if isinstance(message, str) else json.dumps(message)


def _by_status(whom: Correspondent, status: int, code: str, message: str, wait: float | None) -> ModelError:
    why = f"The server says: {message.rstrip('. ')}." if message else f"The server answered HTTP {status}."
    if status in (401, 403):
        return unauthorised(whom, why)
    if status == 402 or code in _UNPAID:
        return ModelError(
            "E-MODEL-QUOTA",
            f"The account behind {whom.name} has no credit left.",
            why=why,
            fix="Top it up, or use another model with -m.",
        )
    if status == 404 or code == "model_not_found" or (status < 429 and _NO_MODEL.search(message)):
        return unknown_model(whom, why)
    if status == 429:
        return rate_limited(whom, why, wait)
    if status == 408:
        return ModelTransientError(
            "E-MODEL-TIMEOUT", f"{whom.name} did not answer in time.", why=why, retry_after=wait, fix=_LATER
        )
    if status == 409 or status >= 500:
        return ModelTransientError(
            "E-MODEL-SERVER", f"{whom.name} failed with HTTP {status}.", why=why, retry_after=wait, fix=_LATER
        )
    if code == "context_length_exceeded" or _CONTEXT.search(message):
        return context_too_long(whom, why)
    return refused_request(whom, why)


_LATER = "Try again later, or use another model with -m."


def unauthorised(whom: Correspondent, why: str) -> ModelError:
    """The key is missing, wrong, or not good for this model."""
    fix = f"Check {whom.key_env} in the environment or .env." if whom.key_env else "Check the key of this provider."
    return ModelError("E-MODEL-UNAUTHORISED", f"{whom.provider} refuses the key.", why=why, fix=fix)


def unknown_model(whom: Correspondent, why: str) -> ModelError:
    """The server has no such model, or nothing at that address."""
    return ModelError(
        "E-MODEL-UNKNOWN",
        f"{whom.provider} has no model `{whom.model}`.",
        why=why,
        fix=f"Check the model's name, and that {whom.base_url} is the right base_url.",
    )


def rate_limited(whom: Correspondent, why: str, wait: float | None = None) -> ModelTransientError:
    """Too many requests; `wait` is the server's wish in seconds."""
    what = f"{whom.name} is at its rate limit."
    return ModelTransientError("E-MODEL-RATE-LIMIT", what, why=why, fix=_LATER, retry_after=wait)


def context_too_long(whom: Correspondent, why: str) -> ModelError:
    """The conversation is longer than the model can read."""
    fix = "Start a new conversation, attach less, or use a model with a longer context."
    return ModelError("E-MODEL-CONTEXT", f"The conversation is too long for {whom.name}.", why=why, fix=fix)


def refused_request(whom: Correspondent, why: str) -> ModelError:
    """The server understands no such request: a setting or schema that this model does not take."""
    fix = "Check the agent's settings, tools and output schema against what this model accepts."
    return ModelError("E-MODEL-REQUEST", f"{whom.name} refuses the request.", why=why, fix=fix)


def timed_out(whom: Correspondent, seconds: float) -> ModelTransientError:
    """One attempt took longer than `settings.timeout`."""
    return ModelTransientError(
        "E-MODEL-TIMEOUT",
        f"{whom.name} did not finish its answer within {seconds:g} s.",
        why="The attempt ran into settings.timeout.",
        fix="Raise settings.timeout (at most 300), or use a faster model.",
    )


def unreachable(whom: Correspondent, why: str) -> ModelTransientError:
    """No connection, or it broke before the answer began."""
    fix = "Check the network, the proxy and base_url; for a local server, that it is running."
    what = f"{whom.provider} cannot be reached at {whom.base_url}."
    return ModelTransientError("E-MODEL-UNREACHABLE", what, why=sentence(whom.plain(why)), fix=fix)


def bad_address(whom: Correspondent, why: str) -> ModelError:
    """`base_url` is no address of a server."""
    fix = "Write base_url like `https://host/v1`."
    return ModelError(
        "E-MODEL-ADDRESS", f"`{whom.base_url}` is not a usable base_url.", why=sentence(whom.plain(why)), fix=fix
    )


def cut_off(whom: Correspondent, why: str) -> ModelStreamError:
    """The answer ended before its end mark."""
    what = f"The answer of {whom.name} was cut off."
    return ModelStreamError("E-MODEL-STREAM", what, why=sentence(whom.plain(why)), fix=_LATER)


def not_an_answer(whom: Correspondent, why: str) -> ModelError:
    """What came is not in the provider's format."""
    return ModelError(
        "E-MODEL-PROTOCOL",
        f"What {whom.base_url} sent is not an answer of a model.",
        why=sentence(whom.plain(why)),
        fix="Check that base_url points at a server of this API (usually it ends in /v1).",
    )
