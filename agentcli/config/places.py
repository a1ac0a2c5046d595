"""Where this user's files live. `AGENTCLI_HOME` moves all of them under one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agentcli.core.values import value


@value(frozen=True, slots=True)
class Places:
    """The user's folders; none of them need exist."""

    config: Path
    data: Path
    cache: Path

    @property
    def private(self) -> tuple[Path, ...]:
        """The folders that tools never see."""
        return (self.config, self.data, self.cache)

    @property
    def models(self) -> Path:
        """Pulled embedded models."""
        return self.cache / "models"

    @property
    def sandbox(self) -> Path:
        """Which sandboxes were proven on this machine."""
        return self.cache / "sandbox"

    @property
    def journal(self) -> Path:
        """The journal's folder for runs outside any project."""
        return self.data / "journal"

    @property
    def redaction_key(self) -> Path:
        """The key of the placeholders' HMAC; made on first use, readable by this user alone."""
        return self.data / "redaction.key"

    @property
    def trusted(self) -> Path:
        """The list of trusted projects."""
        return self.data / "trusted.json"


def user_places(environ: Mapping[str, str]) -> Places:
    """The folders for this environment: `AGENTCLI_HOME/{config,data,cache}`, else the platform's usual ones."""
    home = environ.get("AGENTCLI_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Places(root / "config", root / "data", root / "cache")
    import platformdirs

    dirs = platformdirs.PlatformDirs("agentcli", appauthor=False)
    return Places(dirs.user_config_path, dirs.user_data_path, dirs.user_cache_path)
