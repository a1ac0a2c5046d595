"""Where the built-in templates lie: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import agentcli


@cache
def templates_root() -> Path:
    """The folder with `agents/`, `workflows/` and `projects/`."""
    package = Path(agentcli.__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"
