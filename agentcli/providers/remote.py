"""A model behind HTTP: one request, one reply, with all that lies between.

An attempt sends the body and reads the answer, streamed or whole as the server chose to send it; what may pass is
tried again; the price is looked up when the answer is there. The wire format knows none of this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import field

from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.values import value
from agentcli.engine.ports import ModelObserver
from agentcli.errors import ModelError
from agentcli.providers import failures
from agentcli.providers.failures import Correspondent
from agentcli.providers.http import Answer, Endpoint, HttpClient
from agentcli.providers.pricing import Prices
from agentcli.providers.retry import RetryPolicy, with_retries
from agentcli.providers.servers import origin
from agentcli.providers.sse import SseEvent, SseOverflowError, SseParser
from agentcli.providers.wire import Answered, IncompleteError, Reader, ServerError, WireFormat

_MISFIT = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading an answer raises when it has not the format's shape."""

DRAIN_SECONDS = 0.25
"""How long the rest of a stream is waited for after its end mark, so that its connection can be used again."""


@value(frozen=True, slots=True)
class Surroundings:
    """What every remote model shares. Clocks are functions so that tests bring their own."""

    http: HttpClient = field(default_factory=HttpClient)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    prices: Prices = field(default_factory=Prices)
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class RemoteModel:
    """A `ModelProvider` for one model of one server."""

    def __init__(
        self, whom: Correspondent, wire: WireFormat, around: Surroundings, headers: Mapping[str, str] | None = None
    ) -> None:
        self._whom = whom
        self._wire = wire
        self._around = around
        self._endpoint = Endpoint(whom.base_url.rstrip("/") + wire.path, {**wire.headers(whom.key), **(headers or {})})

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """The answer. Raises ModelError; its transient kinds only when all retries are used up."""
        around = self._around
        started = around.monotonic()
        price = around.prices.prepare(self._whom.model, self._whom.base_url)
        body = self._wire.body(request)
        answered, attempts = await with_retries(
            lambda: self._attempt(body, request.head.settings.timeout, observer), around.retry, observer
        )
        return ModelReply(
            message=answered.message,
            usage=answered.usage,
            finish_reason=answered.finish_reason,
            model=self._whom.name,
            cost_usd=await price.cost_usd(answered.usage, answered.cache_write),
            duration_s=around.monotonic() - started,
            attempts=attempts,
        )

    async def aclose(self) -> None:
        """Nothing of its own to release: connections belong to the shared client."""

    async def _attempt(self, body: bytes, seconds: float, observer: ModelObserver) -> Answered:
        """One request on the wire. Every failure of HTTP becomes a ModelError here."""
        import httpx

        if origin(self._whom.base_url) is None:
            raise failures.bad_address(self._whom, "It has no scheme http or https, or no host.")
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(body, seconds, observer)
        except (TimeoutError, httpx.TimeoutException) as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise failures.unreachable(self._whom, "The connection was not accepted in time.") from error
            raise failures.timed_out(self._whom, seconds) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise failures.bad_address(self._whom, str(error)) from error
        except httpx.HTTPError as error:
            raise failures.unreachable(self._whom, str(error) or type(error).__name__) from error

    async def _exchange(self, body: bytes, seconds: float, observer: ModelObserver) -> Answered:
        answer = await self._around.http.post(self._endpoint, body, seconds)
        try:
            if answer.status != 200:
                raise await self._failure(answer)
            reader = self._wire.reader()
            if answer.is_event_stream:
                return await self._read_stream(answer, reader, observer)
            return await self._read_whole(answer, reader)
        finally:
            await answer.aclose()

    async def _failure(self, answer: Answer) -> ModelError:
        body = await answer.error_body()
        return failures.from_status(self._whom, answer.status, answer.headers, body, self._around.now())

    async def _read_whole(self, answer: Answer, reader: Reader) -> Answered:
        body = await answer.body()
        try:
            reader.whole(body)
            return reader.answer()
        except ServerError as error:
            raise failures.from_stream(self._whom, error.error) from error
        except IncompleteError as error:
            raise failures.cut_off(self._whom, str(error)) from error
        except _MISFIT as error:
            raise failures.not_an_answer(self._whom, _start_of(body)) from error

    async def _read_stream(self, answer: Answer, reader: Reader, observer: ModelObserver) -> Answered:
        try:
            chunks = answer.chunks()
            await self._follow(chunks, reader, observer)
            answered = reader.answer()
        except ServerError as error:
            raise failures.from_stream(self._whom, error.error) from error
        except IncompleteError as error:
            raise failures.cut_off(self._whom, str(error)) from error
        except SseOverflowError as error:
            raise failures.not_an_answer(self._whom, "One event of the stream has no end.") from error
        except _MISFIT as error:
            raise failures.cut_off(self._whom, f"The stream is garbled: {error}") from error
        await _drain(chunks)
        return answered

    async def _follow(self, chunks: AsyncIterator[bytes], reader: Reader, observer: ModelObserver) -> None:
        """Read events until the end mark or the end. Raises ModelStreamError where the connection breaks."""
        import httpx

        parser = SseParser()
        try:
            async for chunk in chunks:
                for event in parser.feed(chunk):
                    _take(event, reader, observer)
                if reader.done:
                    return
        except httpx.TransportError as error:
            raise failures.cut_off(self._whom, str(error) or "The connection broke.") from error


def _take(event: SseEvent, reader: Reader, observer: ModelObserver) -> None:
    if reader.done:
        return
    text = reader.event(event)
    if text:
        observer.delta(text)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what follows the end mark, usually nothing. A server that goes on or breaks off costs its connection
    only."""
    import httpx

    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass
    except (TimeoutError, httpx.HTTPError, ModelError):
        return


def _start_of(body: bytes) -> str:
    return "It begins with: " + body[:120].decode(errors="replace") if body else "It is empty."
