"""llama.cpp in a process of its own, reached over a Unix socket that only this user can open.

A damaged model file, a damaged state or a bug in native code ends that process and not the run; its signal handlers
and its log stay out of ours; and whatever it is doing, it can be stopped at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from agentcli.errors import ModelError
from agentcli.providers.local.verify import not_loadable

LONGEST_SOCKET_PATH: Final = 100
_GRACE_SECONDS: Final = 0.5
_LOG_TAIL: Final = 2_000


def cores() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def threads() -> int:
    """How many llama.cpp should use: one core stays for everything else."""
    return max(1, cores() - 1)


class Child:
    """A running llama.cpp with one model loaded. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder

    @classmethod
    async def start(cls, model: Path, options: Mapping[str, Any]) -> Child:
        """Load the model. Raises ModelError: E-MODEL-EXTRA-MISSING, E-MODEL-GGUF."""
        require_extra()
        folder = private_folder()
        given = {"model": str(model), "listen": str(folder / "llama.sock"), "threads": threads(), **options}
        try:
            child = cls(await _spawn(given, folder), folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            await child._wait_ready(model)
        except BaseException:
            await child.stop()
            raise
        return child

    @property
    def socket(self) -> str:
        """The path of the Unix socket."""
        return str(self._folder / "llama.sock")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    async def stop(self) -> None:
        """End the process and remove its folder. May be called again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await self._ended()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _ended(self) -> None:
        """Wait for the process to end; one that takes too long is killed."""
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _wait_ready(self, model: Path) -> None:
        async for line in _lines(self._process.stdout):
            told = _told(line)
            if "address" in told:
                return
            if "error" in told:
                await self._ended()  # by then its log is whole
                raise not_loadable(model, _reason(self._folder / "log", str(told["error"])))
        raise not_loadable(model, _reason(self._folder / "log", "llama.cpp ended while loading it."))


def require_extra() -> None:
    """Raises ModelError E-MODEL-EXTRA-MISSING where xllamacpp is not installed."""
    import importlib.util

    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError(
            "E-MODEL-EXTRA-MISSING",
            "Embedded models need the extra `local`.",
            why="The package xllamacpp is not installed.",
            fix="pip install 'agentcli[local]'",
        )


def private_folder() -> Path:
    """A new folder that only this user can enter, with a path short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="agentcli-"))
    if len(str(folder)) + len("/llama.sock") > LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="agentcli-", dir="/tmp"))
    return folder


async def _spawn(options: Mapping[str, Any], folder: Path) -> asyncio.subprocess.Process:
    # -P and the private folder: nothing of the working folder can be imported. A session of its own: Ctrl-C in the
    # terminal reaches us alone, and we decide what happens to the request.
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "agentcli.providers.local.serve",
            json.dumps(dict(options)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )


async def _lines(stream: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    while stream is not None and (line := await stream.readline()):
        yield line


def _told(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _reason(log: Path, otherwise: str) -> str:
    """The first error that llama.cpp logged, which is the cause; what follows it is its consequence."""
    try:
        text = log.read_bytes()[:_LOG_TAIL].decode(errors="replace")
    except OSError:
        return otherwise
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"llama.cpp says: {lines[0]}" if lines else otherwise
