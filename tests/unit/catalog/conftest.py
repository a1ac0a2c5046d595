"""A project on disk, and a catalog that knows three tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.errors import DefinitionError, ErrorInfo

FETCH = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "start": {"type": "integer", "default": 1},
        "format": {"type": "string", "enum": ["text", "json"]},
        "headers": {"type": "object"},
    },
    "required": ["url"],
    "additionalProperties": False,
}
WRITE = {"type": "object", "properties": {"path": {}, "content": {}, "from": {}, "to": {}}}
TOOLS = {"fetch_url": FETCH, "create_file": WRITE, "move_file": WRITE}
KNOWN = Known(
    tools=frozenset(TOOLS),
    providers=frozenset({"openai"}),
    packages=lambda: frozenset({"packaged"}),
    parameters=TOOLS.__getitem__,
)


class Files:
    """A project's templates, to be written and loaded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = Catalog([Root(root, "project")], KNOWN)
        (root / "agents").mkdir()
        (root / "workflows").mkdir()

    def write(self, path: str, text: str) -> None:
        """A file of the project, by its path."""
        place = self.root / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def problems(self, text: str) -> list[ErrorInfo]:
        """What is wrong with the workflow `w` when it has this text."""
        self.write("workflows/w.yaml", text)
        try:
            self.catalog.workflow("w")
        except DefinitionError as error:
            return [error.info, *error.others]
        return []


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
