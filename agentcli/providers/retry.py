"""Another try for what may pass: rate limits, server errors, broken connections, timeouts.

A server's own wish (`Retry-After`) is obeyed exactly. A wish past the policy's longest one is not waited for at all:
the request is given up at once, so that the next model of a chain gets its turn and nobody sits before a still
screen.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import TypeVar

from agentcli.core.values import value
from agentcli.engine.ports import ModelObserver
from agentcli.errors import ModelTransientError

T = TypeVar("T")


@value(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently. Times are seconds; `sleep` and `draw` (0..1) are there for tests to replace.

    Without a wish of the server, the n-th wait is drawn from the upper half of `first_wait` * 2**(n-1), never more than
    `longest_wait`.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_retry_after: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    draw: Callable[[], float] = field(default=random.random)

    def wait(self, attempt: int, error: ModelTransientError) -> float:
        """Seconds to wait after the `attempt`-th attempt (from 1) failed."""
        if error.retry_after is not None:
            return error.retry_after
        top = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        return top * (0.5 + self.draw() / 2)

    def gives_up(self, attempt: int, error: ModelTransientError) -> bool:
        """Whether no other try is made."""
        return attempt >= self.attempts or (error.retry_after or 0.0) > self.longest_retry_after


async def with_retries(
    attempt: Callable[[], Awaitable[T]], policy: RetryPolicy, observer: ModelObserver
) -> tuple[T, int]:
    """What `attempt` returns, and how many attempts it took. Raises its last error; only transient ones are retried."""
    try:
        return await attempt(), 1
    except ModelTransientError as error:
        # The usual case, success at once, pays for no retry machinery; from here on tenacity decides.
        return await _again(attempt, policy, observer, error)


async def _again(
    attempt: Callable[[], Awaitable[T]], policy: RetryPolicy, observer: ModelObserver, first: ModelTransientError
) -> tuple[T, int]:
    from tenacity import AsyncRetrying, retry_if_exception_type

    last = first
    repeated = False

    async def next_attempt() -> T:
        nonlocal last, repeated
        if not repeated:
            repeated = True
            raise first
        try:
            return await attempt()
        except ModelTransientError as error:
            last = error
            raise

    retrying = AsyncRetrying(
        sleep=policy.sleep,
        stop=lambda state: policy.gives_up(state.attempt_number, last),
        wait=lambda state: policy.wait(state.attempt_number, last),
        retry=retry_if_exception_type(ModelTransientError),
        before_sleep=lambda state: observer.retried(last.info.what, state.upcoming_sleep),
        reraise=True,
    )
    try:
        result: T = await retrying(next_attempt)
    except ModelTransientError as error:
        raise _exhausted(error, retrying.statistics["attempt_number"]) from error
    return result, retrying.statistics["attempt_number"]


def _exhausted(error: ModelTransientError, attempts: int) -> ModelTransientError:
    """The same error, saying that it was tried more than once."""
    if attempts == 1:
        return error
    info = error.info
    why = f"{info.why} Tried {attempts} times.".lstrip()
    return type(error)(info.code, info.what, why=why, fix=info.fix, retry_after=error.retry_after)
