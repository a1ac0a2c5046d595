"""Fetch an embedded model, and find one that was fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcli.providers.local.progress import Progress
    from agentcli.workbench.wiring import Workbench


async def pull_model(bench: Workbench, name: str, progress: Callable[[Progress], None], *, force: bool = False) -> Path:
    """The verified file of the model. Raises UsageError for an unknown name, ModelError, StorageError."""
    from agentcli.providers.local.pull import known_model, pull

    return await pull(known_model(name), bench.models_dir, progress, force=force)


def model_path(bench: Workbench, name: str) -> Path:
    """Where the file of a pulled model is. Raises ModelError E-MODEL-UNKNOWN, E-MODEL-MISSING."""
    from agentcli.providers.local.verify import find

    path, _ = find(name.removeprefix("local:"), bench.models_dir)
    return path
