"""A user and a project with configuration files, for tests of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentcli.config.load import Loaded, load_settings
from agentcli.config.places import Places


class Configured:
    """A user and a project with configuration files."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "config", folder / "data", folder / "cache")
        self.root = folder / "project"
        self.places.config.mkdir()
        self.root.mkdir()

    def user(self, text: str) -> None:
        (self.places.config / "config.yaml").write_text(text)

    def project(self, text: str) -> None:
        (self.root / "agentcli.yaml").write_text(text)

    def load(self, environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None, **more: Any) -> Loaded:
        return load_settings(self.places, self.root, environ or {}, flags, **more)
