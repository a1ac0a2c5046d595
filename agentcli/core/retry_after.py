"""How long a server wants to be left alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server wants to be left alone, or None where it does not say.

    `headers` has lower-case names; `now` is Unix seconds. Reads `retry-after-ms`, then `retry-after` (RFC 9110:
    seconds, or an HTTP date; a date that is over is 0).
    """
    millis = _seconds(headers.get("retry-after-ms", ""))
    if millis is not None:
        return millis / 1000
    text = headers.get("retry-after", "").strip()
    seconds = _seconds(text)
    return seconds if seconds is not None else _until(text, now)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # RFC 9110 dates are GMT, also in the obsolete forms that do not say so
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
