"""Running asynchronous work so that Ctrl-C and SIGTERM end it in order, and a second Ctrl-C at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The work was stopped by a signal and left no result. `exit_code` is 128 plus the signal's number."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


def run_to_end(
    work: Coroutine[Any, Any, T],
    *,
    on_stop: Callable[[int], None] = lambda exit_code: None,
    on_kill: Callable[[], None] = lambda: None,
) -> T:
    """Run `work` to its result.

    The first signal calls `on_stop(exit_code)` and cancels the work, which may still return a result of its own. A
    second one calls `on_kill` (put the terminal in order) and ends the process there and then. Raises Stopped where the
    work was cancelled and returned nothing.
    """
    stopped_by: list[int] = []

    def stop(exit_code: int, task: asyncio.Task[T]) -> None:
        if stopped_by:
            on_kill()
            os._exit(exit_code)
        stopped_by.append(exit_code)
        on_stop(exit_code)
        task.cancel()

    try:
        return asyncio.run(_watched(work, stop))
    except asyncio.CancelledError:
        if not stopped_by:
            raise
        raise Stopped(stopped_by[0]) from None


async def _watched(work: Coroutine[Any, Any, T], stop: Callable[[int, asyncio.Task[T]], None]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, 128 + number, task)
    try:
        return await task
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
