"""Projects whose agent follows a script, and the program to run them with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLI = (sys.executable, "-m", "agentcli")


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """This environment without keys, with a home of its own, where modules stay compiled as installed ones do."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "AGENTCLI_HOME": str(folder / "home"), "NO_COLOR": "1", **extra}


def project(folder: Path, replies: Sequence[Any], tools: Sequence[str], more: str = "") -> dict[str, str]:
    """A project with one agent, `worker`; returns the environment to run it in, with a home beside the project."""
    (folder / "agents").mkdir(parents=True)
    (folder / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.json\nagent: worker\n")
    (folder / "agents" / "worker.yaml").write_text(
        "version: 1\nkind: agent\nname: worker\ninstructions: Work.\n"
        f"tools: [{', '.join(tools)}]\nlimits: {{turns: 10000}}\n{more}"
    )
    (folder / "s.json").write_text(json.dumps({"replies": list(replies)}))
    return environment(folder.parent)


def called(name: str, **arguments: Any) -> dict[str, Any]:
    """A reply that calls one tool."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}
