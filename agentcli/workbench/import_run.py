"""Take in a run from a bundle that another journal made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcli.workbench.wiring import Workbench


@dataclass(frozen=True, slots=True)
class Imported:
    """A run that stands in this journal now. `new` is False where the very same one stood there before."""

    run: str
    file: Path
    new: bool
    events: int
    contents: int

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "run": self.run,
            "file": str(self.file),
            "new": self.new,
            "events": self.events,
            "contents": self.contents,
        }


def import_run(bench: Workbench, path: Path) -> Imported:
    """Take in the run of a bundle under its own id: all of it, or nothing.

    Raises UsageError E-USAGE-FILE; StorageError E-BUNDLE-DAMAGED, E-BUNDLE-NEWER, E-RUN-EXISTS, and what writing the
    journal raises.
    """
    from agentcli.journal.bundle import IMPORTED
    from agentcli.journal.bundle_reading import read_bundle

    bundle = read_bundle(path)
    run, tags = bundle.header.run, tuple(dict.fromkeys((*bundle.header.tags, IMPORTED)))
    new = bench.journal.import_run(run, bundle.events, bundle.header.end, bundle.contents.values(), tags)
    return Imported(run.id, path, new, len(bundle.events), len(bundle.contents))
