"""What is read of a file while it is searched: held as long as it is small, hashed from then on."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from agentcli.core.tools import FileChange


class Aside:
    """Work that goes on beside the search, in order, once there is enough of it: hashing takes as long as searching."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._turns: deque[list[Future[None]]] = deque([[]])

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def begin(self) -> None:
        """From now on work is done beside the search."""
        self._pool = ThreadPoolExecutor(1)

    def do(self, work: Callable[[], None]) -> None:
        """Do it, now or soon: before the turn after the next one."""
        if self._pool is None:
            work()
        else:
            self._turns[-1].append(self._pool.submit(work))

    def await_turn(self) -> None:
        """Returns when all work of the turn before this one is done: its buffer is free again."""
        self._turns.append([])
        while len(self._turns) > 2:
            for one in self._turns.popleft():
                one.result()

    def settle(self) -> None:
        """Returns when all work is done."""
        for turn in self._turns:
            for one in turn:
                one.result()


class Content:
    """What is read of one file. Up to `hold` bytes are held; more is hashed, `aside`."""

    def __init__(self, hold: int, aside: Aside) -> None:
        self._hold = hold
        self._aside = aside
        self._held: list[bytes] | None = []
        self._size = 0
        self._hash: Any = None

    def take(self, piece: memoryview) -> None:
        """The next piece. It must stay as it is until the turn after the next one."""
        self._size += len(piece)
        if self._held is not None and self._size <= self._hold:
            self._held.append(bytes(piece))
            return
        if self._hash is None:
            self._hash = hashlib.sha256()
            for held in self._held or ():
                self._hash.update(held)
            self._held = None
            self._aside.begin()
        self._aside.do(lambda: self._hash.update(piece))

    def change(self, path: str, near: bytes) -> FileChange:
        """The file as it was read. `near` is what stands around the lines that are shown."""
        if self._held is not None:
            return FileChange(path, before=b"".join(self._held))
        self._aside.settle()
        return FileChange(path, digest=self._hash.hexdigest(), near=near)
