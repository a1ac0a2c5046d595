"""Embedded models: catalog, download, verification, and the provider `local`."""

from __future__ import annotations

from pathlib import Path

from agentcli.engine.ports import ModelProvider
from agentcli.providers.local.verify import pulled

__all__ = ["open_local", "pulled"]


def open_local(name_or_path: str, models_dir: Path) -> ModelProvider:
    """The embedded model of this name, or a GGUF file. Nothing is loaded before the first request.

    Raises ModelError: E-MODEL-EXTRA-MISSING, E-MODEL-UNKNOWN, E-MODEL-MISSING.
    """
    from agentcli.providers.local.child import require_extra
    from agentcli.providers.local.runtime import LocalModel
    from agentcli.providers.local.verify import find

    find(name_or_path, models_dir)
    require_extra()
    return LocalModel(name_or_path, models_dir)
