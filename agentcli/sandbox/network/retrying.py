"""Another try for what may pass: a connection that was refused, a server that asks to be left alone for a moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from agentcli.core.retry_after import retry_after
from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.network.exchange import WebResponse

if TYPE_CHECKING:
    from tenacity import RetryCallState

BUSY: Final = (429, 503)
FIRST_WAIT: Final = 0.3
"""Seconds before the second try where the server does not say; twice that before the third."""


@value(frozen=True, slots=True)
class Patience:
    """How often something is tried, in how much time: `left` are the seconds that remain, `now` Unix seconds."""

    attempts: int
    left: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


async def tried_again(attempt: Callable[[], Awaitable[WebResponse]], patience: Patience) -> WebResponse:
    """What `attempt` gives or raises at last. `Retry-After` is obeyed; a wait that time does not allow is not begun."""
    from tenacity import AsyncRetrying, retry_if_exception, retry_if_result

    wish: list[float | None] = []

    async def noting() -> WebResponse:
        wish[:] = [None]
        response = await attempt()
        wish[:] = [retry_after(dict(response.headers), patience.now())]
        return response

    def wait(state: RetryCallState) -> float:
        return FIRST_WAIT * 2.0 ** (state.attempt_number - 1) if wish[0] is None else wish[0]

    retrying = AsyncRetrying(
        sleep=patience.sleep,
        wait=wait,
        stop=lambda state: state.attempt_number >= patience.attempts or wait(state) >= patience.left(),
        retry=retry_if_exception(_is_unreached) | retry_if_result(lambda response: response.status in BUSY),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    result: WebResponse = await retrying(noting)
    return result


def _is_unreached(error: BaseException) -> bool:
    return isinstance(error, ToolError) and error.code == "E-NET-CONNECT"
