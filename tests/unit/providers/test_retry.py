from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.retry_after import retry_after
from agentcli.errors import ModelError, ModelStreamError, ModelTransientError
from agentcli.providers.retry import RetryPolicy, with_retries
from tests.fakes.model_talk import Heard, NoWaiting

NOW = 1_800_000_000.0


class Attempts:
    """Fails as told, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def transient(wait: float | None = None) -> ModelTransientError:
    return ModelTransientError("E-MODEL-SERVER", "It failed.", why="HTTP 500.", retry_after=wait)


async def test_success_at_once_waits_for_nothing() -> None:
    sleep, heard = NoWaiting(), Heard()
    assert await with_retries(Attempts(), RetryPolicy(sleep=sleep), heard) == ("answer", 1)
    assert (sleep.waits, heard.retries) == ([], [])


async def test_waits_double_up_to_the_longest_and_are_told_to_the_observer() -> None:
    sleep, heard = NoWaiting(), Heard()
    policy = RetryPolicy(attempts=6, first_wait=1, longest_wait=5, sleep=sleep, draw=lambda: 1.0)
    assert await with_retries(Attempts(*(transient() for _ in range(5))), policy, heard) == ("answer", 6)
    assert sleep.waits == [1, 2, 4, 5, 5]
    assert heard.retries == [("It failed.", wait) for wait in sleep.waits]


@given(st.integers(1, 60), st.floats(0, 1))
def test_a_wait_lies_in_the_upper_half_of_its_step(attempt: int, drawn: float) -> None:
    policy = RetryPolicy(first_wait=0.5, longest_wait=8, draw=lambda: drawn)
    top = min(0.5 * 2 ** (attempt - 1), 8)
    assert top / 2 <= policy.wait(attempt, transient()) <= top


async def test_the_servers_own_wish_is_obeyed_exactly() -> None:
    sleep = NoWaiting()
    await with_retries(Attempts(transient(17.5), transient(0.0)), RetryPolicy(sleep=sleep), Heard())
    assert sleep.waits == [17.5, 0.0]


async def test_a_wish_past_the_longest_gives_up_at_once() -> None:
    sleep, attempts = NoWaiting(), Attempts(transient(61))
    with pytest.raises(ModelTransientError) as raised:
        await with_retries(attempts, RetryPolicy(sleep=sleep), Heard())
    assert (attempts.made, sleep.waits, raised.value.retry_after) == (1, [], 61)


async def test_exhausted_retries_raise_the_last_error_and_say_how_often() -> None:
    attempts = Attempts(*(transient() for _ in range(3)), ModelStreamError("E-MODEL-STREAM", "Cut.", why="Broken."))
    with pytest.raises(ModelStreamError) as raised:
        await with_retries(attempts, RetryPolicy(attempts=4, sleep=NoWaiting()), Heard())
    assert (raised.value.code, raised.value.info.why) == ("E-MODEL-STREAM", "Broken. Tried 4 times.")


@pytest.mark.parametrize("before", [0, 1])
async def test_what_does_not_pass_is_not_tried_again(before: int) -> None:
    attempts = Attempts(*(transient() for _ in range(before)), ModelError("E-MODEL-REQUEST", "No."))
    with pytest.raises(ModelError, match="No"):
        await with_retries(attempts, RetryPolicy(sleep=NoWaiting()), Heard())
    assert attempts.made == before + 1


async def test_a_wait_can_be_cancelled() -> None:
    asleep = asyncio.Event()

    async def forever(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(with_retries(Attempts(transient()), RetryPolicy(sleep=forever), Heard()))
    await asleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(st.floats(0, 1e9))
def test_retry_after_seconds_are_read(seconds: float) -> None:
    assert retry_after({"retry-after": f" {seconds} "}, NOW) == seconds


@given(st.integers(-10_000, 10_000))
def test_retry_after_dates_are_read_and_never_negative(offset: int) -> None:
    date = format_datetime(datetime.fromtimestamp(NOW + offset, UTC), usegmt=True)
    assert retry_after({"retry-after": date}, NOW) == max(0, offset)


@given(st.text())
def test_retry_after_never_breaks_and_is_never_negative(text: str) -> None:
    found = retry_after({"retry-after": text, "retry-after-ms": text}, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_a_retry_after_that_says_nothing_is_none(text: str) -> None:
    assert retry_after({"retry-after": text}, NOW) is None


def test_milliseconds_go_before_seconds() -> None:
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}, NOW) == 0.25


def test_an_obsolete_date_without_zone_is_gmt() -> None:
    assert retry_after({"retry-after": "Sun Nov  6 08:49:37 1994"}, 784111777 - 5) == 5
