"""What stands before a tool's call and is no part of the tool: a rate limit, a cache, another try.

All of it is below the door: one call is asked for and one result recorded, which tells how it was come by. It lives as
long as one run, in memory.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from agentcli.core.canonical import digest
from agentcli.core.rates import Rate
from agentcli.core.tools import Preview, ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.engine.ports import Admits, Filling, Previewing, RoamingTool, Tool
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError

CACHED_RESULTS: Final = 256
"""Results of one tool that are kept; the one that was not asked for longest goes first."""

RETRIED: Final = frozenset({"E-TOOL-FAILED", "E-TOOL-CRASHED", "E-TOOL-TIMEOUT"})
"""What may go better another time. Arguments that do not fit, and refusals, never do."""

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


@value(frozen=True, slots=True)
class Gate:
    """How one tool's calls are let through. `cache_ttl` is seconds, `retries` how often a failed call is repeated."""

    rate: Rate | None = None
    cache_ttl: float | None = None
    retries: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to do here."""
        return self.rate is None and self.cache_ttl is None and not self.retries


@dataclass(slots=True)
class TokenBucket:
    """A rate limit. It begins full, so `10/min` lets ten calls through at once, then one every six seconds.

    May be asked from several threads.
    """

    rate: Rate
    now: Callable[[], float]
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._tokens, self._at = float(self.rate.count), self.now()

    def reserve(self, patience: float) -> tuple[bool, float]:
        """Whether a call may be made, and after how many seconds: one that would wait longer is not let in at all."""
        with self._lock:
            now, per_second = self.now(), self.rate.count / self.rate.seconds
            self._tokens = min(self.rate.count, self._tokens + max(0.0, now - self._at) * per_second)
            self._at = now
            wait = max(0.0, (1 - self._tokens) / per_second)
            if wait > patience:
                return False, wait
            self._tokens -= 1
            return True, wait


@value(frozen=True, slots=True)
class Gates:
    """Makes the gates of one run. `patience` is how long a call waits for its rate limit rather than being refused."""

    patience: float = 5.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def before(self, tool: Tool, gate: Gate) -> Tool:
        """The tool behind its gate."""
        if gate.is_open:
            return tool
        bucket = TokenBucket(gate.rate, self.now) if gate.rate is not None else None
        return GatedTool(tool, gate, self, bucket)


_Call: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[ToolResult]]


class GatedTool:
    """A tool behind a gate."""

    def __init__(self, tool: Tool, gate: Gate, gates: Gates, bucket: TokenBucket | None) -> None:
        self._tool = tool
        self._gate = gate
        self._gates = gates
        self._bucket = bucket
        self._cache: OrderedDict[str, tuple[float, ToolResult]] = OrderedDict()

    @property
    def spec(self) -> ToolSpec:
        """See `Tool`."""
        return self._tool.spec

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Tool`."""
        return self._tool.parse(arguments)

    @property
    def fills(self) -> frozenset[str]:
        """See `Filling`."""
        return self._tool.fills if isinstance(self._tool, Filling) else frozenset()

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        """See `Previewing`. Looking at what a call would change is no call: no gate stands before it."""
        return await self._tool.preview(arguments) if isinstance(self._tool, Previewing) else None

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """From the cache, or done. Raises ToolError, E-TOOL-RATE among them."""
        return await self._through(arguments, self._tool.call)

    async def call_within(self, arguments: Mapping[str, Any], admits: Admits) -> ToolResult:
        """See `RoamingTool`: the same for a tool that may go on to other subjects; any other one does not."""
        tool = self._tool
        if not isinstance(tool, RoamingTool):
            return await self.call(arguments)
        return await self._through(arguments, lambda given: tool.call_within(given, admits))

    async def _through(self, arguments: Mapping[str, Any], call: _Call) -> ToolResult:
        key = digest(dict(arguments)) if self._gate.cache_ttl is not None else ""
        known = self._known(key)
        if known is not None:
            return known
        result = await self._attempts(arguments, call)
        if self._gate.cache_ttl is not None and result.status == "ok":
            self._cache[key] = self._gates.now(), result
            self._cache.move_to_end(key)
            if len(self._cache) > CACHED_RESULTS:
                self._cache.popitem(last=False)
        return result

    def _known(self, key: str) -> ToolResult | None:
        """A result that is not too old. The files that it came from are not read again, so it tells of none."""
        at, result = self._cache.get(key, (0.0, None))
        if result is None or self._gate.cache_ttl is None:
            return None
        age = self._gates.now() - at
        if age >= self._gate.cache_ttl:
            del self._cache[key]
            return None
        self._cache.move_to_end(key)
        return replace(result, files=(), how={"cached_s": round(age, 3)})

    async def _attempts(self, arguments: Mapping[str, Any], call: _Call) -> ToolResult:
        if not self._gate.retries:
            return await self._once(arguments, call, 1)
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

        tries = AsyncRetrying(
            stop=stop_after_attempt(self._gate.retries + 1),
            wait=wait_exponential(FIRST_PAUSE_S, LONGEST_PAUSE_S),
            retry=retry_if_exception(lambda error: isinstance(error, ToolError) and error.code in RETRIED),
            sleep=self._gates.sleep,
            reraise=True,
        )
        number = 0

        async def once() -> ToolResult:
            nonlocal number
            number += 1
            return await self._once(arguments, call, number)

        try:
            return await tries(once)
        except ToolError as error:
            raise _after(error, number) from error.__cause__

    async def _once(self, arguments: Mapping[str, Any], call: _Call, attempt: int) -> ToolResult:
        waited = await self._admitted(arguments)
        result = await call(arguments)
        how = {"attempts": attempt} if attempt > 1 else {}
        return replace(result, how={**result.how, **how, **({"waited_s": round(waited, 3)} if waited else {})})

    async def _admitted(self, arguments: Mapping[str, Any]) -> float:
        """Returns when the rate limit lets the call through: the seconds that it waited. Raises ToolError."""
        if self._bucket is None:
            return 0.0
        let_in, wait = self._bucket.reserve(self._gates.patience)
        if not let_in:
            rate, name = self._bucket.rate, self.spec.name
            raise ToolError(
                "E-TOOL-RATE",
                f"`{name}` may be called {rate.count:,} times in {rate.seconds:g} s, and that is used up.",
                fix=f"Call it again in {wait:.1f} s, or go on without it.",
            ).in_call(name, arguments)
        if wait:
            await self._gates.sleep(wait)
        return wait


def _after(error: ToolError, attempts: int) -> ToolError:
    """The error, which says how often it was tried."""
    if attempts == 1 or isinstance(error, ToolArgumentsError | ToolRefusedError):
        return error
    info = error.info
    why = f"{info.why} It was tried {attempts} times.".strip()
    again = type(error)(info.code, info.what, why=why, fix=info.fix)
    again.details = error.details
    return again.in_call(error.tool, error.arguments)
