"""What a model call costs, by the price table of genai-prices.

The table takes a good part of a second to load, so a thread loads it while the model thinks: neither the stream nor
the answer waits for it. A server on this machine costs nothing and loads nothing. A price that is not in the table
is None, never a guess.
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from agentcli.core.models import Usage
from agentcli.core.values import value
from agentcli.providers.servers import origin


class PriceTable(Protocol):
    """Looks prices up. Raises LookupError where it has none."""

    def __call__(self, model: str, base_url: str, usage: Usage, cache_write: int) -> Decimal:
        """US dollars for this usage."""


def load_table() -> PriceTable:
    """The table of genai-prices; slow the first time."""
    from genai_prices import Usage as Counts
    from genai_prices import calc_price

    def look_up(model: str, base_url: str, usage: Usage, cache_write: int) -> Decimal:
        counts = Counts(
            input_tokens=usage.input,
            cache_read_tokens=usage.cached or None,
            cache_write_tokens=cache_write or None,
            output_tokens=usage.output,
        )
        return calc_price(counts, model, provider_api_url=base_url).total_price

    # The first lookup builds the table's indexes, which is as slow as the import.
    look_up("gpt-5-mini", "https://api.openai.com/v1", Usage(1, 1), 0)
    return look_up


@lru_cache(maxsize=256)
def is_free(base_url: str) -> bool:
    """Whether the server is this machine itself: then nobody sends a bill."""
    found = origin(base_url)
    host = found[1] if found else ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Prices:
    """Prices by model and server. `load` is there for tests to replace."""

    def __init__(self, load: Callable[[], PriceTable] = load_table) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._table: PriceTable | None = None

    def prepare(self, model: str, base_url: str) -> Price:
        """A price to be asked for when the usage is known; begins to load the table where it is needed."""
        free = is_free(base_url)
        if not free and self._table is None:
            self._begin()
        return Price(self, model, base_url, free)

    def estimate(self, model: str, base_url: str, usage: Usage) -> float | None:
        """US dollars for this usage, None where the price is not known. Loads the table: not for the event loop."""
        return 0.0 if is_free(base_url) else self._look_up(model, base_url, usage, 0)

    async def cost_usd(self, model: str, base_url: str, usage: Usage, cache_write: int) -> float | None:
        """US dollars, or None where the table has no price for this model of this server."""
        if self._table is None:
            return await asyncio.to_thread(self._look_up, model, base_url, usage, cache_write)
        return self._look_up(model, base_url, usage, cache_write)

    def _begin(self) -> None:
        if self._loading is None:
            self._loading = threading.Thread(target=self._loaded, name="prices", daemon=True)
            self._loading.start()

    def _loaded(self) -> PriceTable:
        with self._lock:
            if self._table is None:
                self._table = self._load()
            return self._table

    def _look_up(self, model: str, base_url: str, usage: Usage, cache_write: int) -> float | None:
        try:
            return float(self._loaded()(model, base_url, usage, cache_write))
        except LookupError:
            return None


@value(frozen=True, slots=True)
class Price:
    """The price of one model of one server."""

    prices: Prices
    model: str
    base_url: str
    free: bool

    async def cost_usd(self, usage: Usage, cache_write: int = 0) -> float | None:
        """US dollars, or None where the price is not known. `cache_write` tokens are part of `usage.input`."""
        if self.free:
            return 0.0
        return await self.prices.cost_usd(self.model, self.base_url, usage, cache_write)
