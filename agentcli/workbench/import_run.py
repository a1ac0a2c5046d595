"""Take in a run from a bundle that another journal made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.core.values import value
from agentcli.workbench.wiring import Workbench

if TYPE_CHECKING:
    from agentcli.journal.bundle_salvage import Break


@value(frozen=True, slots=True)
class Imported:
    """A run that stands in this journal now. `new` is False where the very same one stood there before.

    `broken` says where the record breaks, if the run was taken out of a damaged bundle and is not all of it.
    """

    run: str
    file: Path
    new: bool
    events: int
    contents: int
    broken: Break | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "run": self.run,
            "file": str(self.file),
            "new": self.new,
            "events": self.events,
            "contents": self.contents,
            "broken_at": self.broken.at if self.broken else None,
            "problem": self.broken.why if self.broken else None,
        }


def import_run(bench: Workbench, path: Path, *, salvage: bool = False) -> Imported:
    """Take in the run of a bundle under its own id: all of it, or nothing.

    With `salvage`, of a damaged bundle what comes before the first event that is not intact, as an interrupted run.
    Raises UsageError E-USAGE-FILE; StorageError E-BUNDLE-DAMAGED (E-BUNDLE-LOST with `salvage`), E-BUNDLE-NEWER,
    E-RUN-EXISTS, and what writing the journal raises.
    """
    from agentcli.journal.bundle import DAMAGED, IMPORTED
    from agentcli.journal.bundle_reading import read_bundle
    from agentcli.journal.bundle_salvage import Salvaged, salvage_bundle

    found = salvage_bundle(path) if salvage else Salvaged(read_bundle(path))
    bundle, broken = found.bundle, found.broken
    run, marked = bundle.header.run, (IMPORTED, DAMAGED) if broken else (IMPORTED,)
    tags = dict.fromkeys((*bundle.header.tags, *marked))
    new = bench.journal.import_run(run, bundle.events, bundle.header.end, bundle.contents.values(), tags)
    return Imported(run.id, path, new, len(bundle.events), len(bundle.contents), broken)
