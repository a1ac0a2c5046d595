"""A kernel for the launcher that does nothing and remembers what it was asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class EndedError(Exception):
    """The process would have ended here."""


class RememberingKernel:
    """Takes down every call. `children` are what the forks give, `waits` the ends that are waited for, `sleeper` is
    the process that sleeps.

    In a child (a fork that gives 0) the parent is one that lives and holds its ends of the new pipes, or not.
    """

    def __init__(
        self,
        children: tuple[int, ...] = (),
        waits: tuple[tuple[int, int], ...] = (),
        *,
        parent_lives: bool = True,
        sleeper: int = 0,
    ) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._sleeper = sleeper
        self._parent_lives = parent_lives
        self._before = _pipes()
        self._children, self._waits = list(children), list(waits)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, *arguments, *named.values()))
            return os.open("/", os.O_PATH) if name in ("open_tree", "copy_tree", "landlock_ruleset") else None

        return call

    def fork(self) -> int:
        self.calls.append(("fork",))
        child = self._children.pop(0)
        if child == 0 and self._parent_lives:
            for pipe in _pipes() - self._before:
                os.dup(pipe)
        return child

    def sleeper(self, flags: int) -> int:
        self.calls.append(("sleeper", flags))
        return self._sleeper

    def wait(self, pid: int, options: int) -> tuple[int, int]:
        self.calls.append(("wait", pid, options))
        return self._waits.pop(0) if self._waits else (pid, 0)

    def exit(self, code: int) -> None:
        self.calls.append(("exit", code))
        raise EndedError

    def named(self, *names: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] in names]


def _pipes() -> set[int]:
    found = set()
    for descriptor in range(1024):
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                found.add(descriptor)
    return found


def gate(info: bytes) -> tuple[int, int, int]:
    """The launcher's end with the information, its end of the gate, and bwrap's."""
    ours, theirs = os.pipe()
    os.write(theirs, info)
    os.close(theirs)
    waits, opens = os.pipe()
    return ours, opens, waits
