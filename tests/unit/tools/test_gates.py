"""Rate limits, caches and retries before a tool."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.rates import Rate
from agentcli.core.tools import FileChange, Preview, ToolResult
from agentcli.engine.ports import Admits, Filling, Previewing, RoamingTool
from agentcli.errors import ToolArgumentsError, ToolError, ToolTimeoutError
from agentcli.tools.gates import CACHED_RESULTS, Gate, GatedTool, Gates, TokenBucket
from tests.fakes.engine import FunctionTool, ManualClock


class Sleeper:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.seconds += seconds

    def gates(self, patience: float = 5.0) -> Gates:
        return Gates(patience, self.clock.monotonic, self.sleep)


def counting(*failures: ToolError) -> FunctionTool:
    """A tool that fails so often, and then tells how often it was called."""
    left = list(failures)

    async def function(_arguments: Mapping[str, Any]) -> ToolResult:
        if left:
            raise left.pop(0)
        return ToolResult(str(len(tool.called)), files=(FileChange("a.txt", before=b"x"),))

    tool = FunctionTool("counting", function)
    return tool


FAILED = ToolError("E-TOOL-FAILED", "It failed.", why="There.", fix="Wait.")


def test_a_tool_without_a_gate_is_given_as_it_is() -> None:
    tool = counting()
    assert Gates().before(tool, Gate()) is tool


async def test_calls_beyond_the_rate_wait_if_that_is_short() -> None:
    sleeper = Sleeper()
    tool = sleeper.gates(patience=30).before(counting(), Gate(Rate(2, 20)))
    results = [await tool.call({}) for _ in range(4)]
    assert [result.how for result in results] == [{}, {}, {"waited_s": 10.0}, {"waited_s": 10.0}]
    assert sleeper.slept == [10.0, 10.0]


async def test_calls_that_would_wait_long_are_refused_with_the_time_to_wait() -> None:
    sleeper = Sleeper()
    inner = counting()
    tool = sleeper.gates().before(inner, Gate(Rate(2, 60)))
    await tool.call({})
    await tool.call({})
    with pytest.raises(ToolError) as caught:
        await tool.call({"a": 1})
    assert caught.value.code == "E-TOOL-RATE"
    assert "2 times in 60 s" in caught.value.info.what
    assert "in 30.0 s" in caught.value.info.fix
    assert (caught.value.tool, caught.value.arguments) == ("counting", {"a": 1})
    assert (len(inner.called), sleeper.slept) == (2, [])
    sleeper.clock.seconds = 30
    assert (await tool.call({})).content == "3"


@given(
    st.integers(1, 50),
    st.floats(0.1, 100),
    st.lists(st.floats(0, 50), max_size=60),
)
def test_no_window_ever_sees_more_than_twice_the_rate(count: int, seconds: float, pauses: list[float]) -> None:
    clock = ManualClock()
    bucket = TokenBucket(Rate(count, seconds), clock.monotonic)
    times = []
    for pause in pauses:
        clock.seconds += pause
        let_in, wait = bucket.reserve(seconds)
        if let_in:
            times.append(clock.seconds + wait)
    for begin in times:
        assert sum(begin <= time < begin + seconds for time in times) <= 2 * count


def test_a_bucket_may_be_asked_from_many_threads() -> None:
    bucket = TokenBucket(Rate(100, 3600), lambda: 0.0)
    let_in: list[bool] = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        let_in.extend(bucket.reserve(0)[0] for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let_in), sum(let_in)) == (400, 100)


async def test_the_same_call_comes_from_the_cache_until_it_is_too_old() -> None:
    sleeper = Sleeper()
    inner = counting()
    tool = sleeper.gates().before(inner, Gate(Rate(2, 3600), cache_ttl=60))
    first = await tool.call({"a": 1, "b": 2})
    assert (first.content, first.how, len(first.files)) == ("1", {}, 1)
    sleeper.clock.seconds = 12.5
    again = await tool.call({"b": 2, "a": 1})
    assert (again.content, again.how, again.files) == ("1", {"cached_s": 12.5}, ())
    assert (await tool.call({"a": 2})).content == "2"
    assert (await tool.call({"a": 2})).how == {"cached_s": 0.0}
    sleeper.clock.seconds = 1860
    assert (await tool.call({"a": 1, "b": 2})).content == "3"


async def test_the_cache_is_bounded_and_keeps_what_is_asked_for() -> None:
    inner = counting()
    tool = Sleeper().gates().before(inner, Gate(cache_ttl=60))
    for number in range(CACHED_RESULTS):
        await tool.call({"n": number})
    assert (await tool.call({"n": 0})).how
    await tool.call({"n": "one more"})
    assert (await tool.call({"n": 0})).how
    assert not (await tool.call({"n": 1})).how


async def test_a_failure_is_not_kept() -> None:
    tool = Sleeper().gates().before(counting(FAILED), Gate(cache_ttl=60))
    with pytest.raises(ToolError):
        await tool.call({})
    assert (await tool.call({})).how == {}


async def test_a_failed_call_is_tried_again_and_the_result_says_so() -> None:
    sleeper = Sleeper()
    tool = sleeper.gates().before(counting(FAILED, ToolTimeoutError("E-TOOL-TIMEOUT", "Late.")), Gate(retries=2))
    result = await tool.call({})
    assert (result.content, result.how) == ("3", {"attempts": 3})
    assert sleeper.slept == [0.2, 0.4]


async def test_every_attempt_counts_for_the_rate() -> None:
    sleeper = Sleeper()
    tool = sleeper.gates(patience=0).before(counting(FAILED, FAILED), Gate(Rate(2, 60), retries=5))
    with pytest.raises(ToolError) as caught:
        await tool.call({})
    assert caught.value.code == "E-TOOL-RATE"


async def test_the_last_failure_says_how_often_it_was_tried() -> None:
    sleeper = Sleeper()
    cause = ValueError("x")
    error = ToolError("E-TOOL-FAILED", "It failed.", why="There.", fix="Wait.").in_call("counting", {"a": 1})
    error.__cause__ = cause
    error.details = {"traceback": "…"}
    tool = sleeper.gates().before(counting(FAILED, error), Gate(retries=1))
    with pytest.raises(ToolError) as caught:
        await tool.call({"a": 1})
    assert caught.value.info.why == "There. It was tried 2 times."
    assert (caught.value.__cause__, caught.value.arguments, caught.value.details) == (cause, {"a": 1}, error.details)


@pytest.mark.parametrize(
    "error", [ToolArgumentsError("E-TOOL-ARGUMENTS", "They do not fit."), ToolError("E-TOOL-RESULT", "Too much.")]
)
async def test_what_cannot_go_better_is_not_tried_again(error: ToolError) -> None:
    inner = counting(error)
    with pytest.raises(ToolError) as caught:
        await Sleeper().gates().before(inner, Gate(retries=3)).call({})
    assert (caught.value, len(inner.called)) == (error, 1)


class Roaming(FunctionTool):
    """A tool that shows what it would change, goes where it is admitted, and fills in secrets."""

    fills = frozenset({"headers"})

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        return Preview(f"changes {arguments['a']}")

    async def call_within(self, arguments: Mapping[str, Any], admits: Admits) -> ToolResult:
        return ToolResult(f"admitted: {admits('https://b.example/')}")


async def test_what_a_tool_can_do_besides_it_can_do_behind_a_gate() -> None:
    tool = Sleeper().gates().before(Roaming("roaming", counting().function), Gate(Rate(2, 60), cache_ttl=60))
    assert isinstance(tool, Previewing)
    assert isinstance(tool, RoamingTool)
    assert isinstance(tool, Filling)
    assert tool.fills == {"headers"}
    assert await tool.preview({"a": 1}) == Preview("changes 1")
    assert (await tool.call_within({"a": 1}, lambda _: True)).content == "admitted: True"
    assert (await tool.call_within({"a": 1}, lambda _: True)).how == {"cached_s": 0.0}
    assert (await tool.call_within({"a": 2}, lambda _: False)).content == "admitted: False"
    with pytest.raises(ToolError) as caught:
        await tool.call_within({"a": 3}, lambda _: True)
    assert caught.value.code == "E-TOOL-RATE"


async def test_what_a_tool_cannot_do_a_gate_does_not_add() -> None:
    tool = Sleeper().gates().before(counting(), Gate(Rate(2, 60)))
    assert isinstance(tool, GatedTool)
    assert await tool.preview({}) is None
    assert tool.fills == frozenset()
    assert (await tool.call_within({}, lambda _: True)).content == "1"
