from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from agentcli.core.models import Usage
from agentcli.providers.pricing import Prices, PriceTable, is_free, load_table

OPENAI = "https://api.openai.com/v1"


def table(model: str, base_url: str, usage: Usage, cache_write: int) -> Decimal:
    if model == "unknown":
        raise LookupError
    return Decimal(usage.total + cache_write)


class Loading:
    """Loads a table when told to, and remembers how often and where."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> PriceTable:
        self.threads.append(threading.current_thread())
        self.begun.set()
        self.go.wait(10)
        return table


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:1", "http://my.localhost/"]
)
async def test_this_machine_sends_no_bill_and_loads_nothing(url: str) -> None:
    loading = Loading()
    prices = Prices(loading)
    assert await prices.prepare("m", url).cost_usd(Usage(9, 9)) == 0.0
    assert prices.estimate("m", url, Usage(9, 9)) == 0.0
    assert loading.threads == []


@pytest.mark.parametrize("url", [OPENAI, "http://192.168.1.5/v1", "http://localhost.evil.example/", "nonsense"])
def test_other_machines_may(url: str) -> None:
    assert not is_free(url)


async def test_the_table_loads_beside_the_event_loop_while_the_model_thinks() -> None:
    loading = Loading()
    prices = Prices(loading)
    price = prices.prepare("m", OPENAI)
    prices.prepare("m", OPENAI)
    assert loading.begun.wait(10)
    loading.go.set()
    assert await price.cost_usd(Usage(2, 3), cache_write=4) == 9.0
    assert await price.cost_usd(Usage(1, 1)) == 2.0
    assert loading.threads != [threading.main_thread()]
    assert len(loading.threads) == 1


async def test_a_price_that_is_not_in_the_table_is_not_guessed() -> None:
    prices = Prices(lambda: table)
    assert await prices.prepare("unknown", OPENAI).cost_usd(Usage(1, 1)) is None
    assert prices.estimate("unknown", OPENAI, Usage(1, 1)) is None
    assert prices.estimate("known", OPENAI, Usage(1, 1)) == 2.0


def test_the_real_table_prices_cached_input_lower_and_written_cache_higher() -> None:
    look_up = load_table()
    url = "https://api.anthropic.com/v1"
    plain = look_up("claude-sonnet-5-5", url, Usage(1_000_000, 0), 0)
    cached = look_up("claude-sonnet-5-5", url, Usage(1_000_000, 0, cached=1_000_000), 0)
    written = look_up("claude-sonnet-5-5", url, Usage(1_000_000, 0), 1_000_000)
    assert cached < plain < written
    with pytest.raises(LookupError):
        look_up("claude-sonnet-5-5", "https://unheard.example/v1", Usage(1, 1), 0)
