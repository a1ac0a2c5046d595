"""Export a run: as one file that stands for itself."""

from __future__ import annotations

from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentcli.core.values import value
from agentcli.journal.faults import broken
from agentcli.workbench.exports.formats import FORMATS, ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord
from agentcli.workbench.exports.secrets import refuse_secrets
from agentcli.workbench.wiring import Workbench
from agentcli.workbench.write_files import write_files


@value(frozen=True, slots=True)
class ExportRequest:
    """A run (as `RUN` is written on the command line), and one of `FORMATS`."""

    run: str
    to: str = "bundle"
    options: ExportOptions = field(default_factory=ExportOptions)


@value(frozen=True, slots=True)
class Exported:
    """An export, in memory. `files` begin with the main one."""

    run: str
    format: str
    files: tuple[ExportedFile, ...]


@value(frozen=True, slots=True)
class Written:
    """An export on disk. `file` is the main one."""

    run: str
    format: str
    file: Path
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "run": self.run,
            "format": self.format,
            "file": str(self.file),
            "bytes": self.bytes,
            "sha256": self.sha256,
        }


def export_run(bench: Workbench, request: ExportRequest) -> Exported:
    """The run in the form that is asked for. Nothing is written.

    Raises UsageError E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; StorageError E-EXPORT-SECRET, E-BUNDLE-TOO-LARGE, E-REPLAY-DAMAGED
    where the export would be a record and this one is not as it was written, and what reading the journal raises.
    """
    row = bench.journal.find(request.run)
    record = RunRecord(row, tuple(bench.journal.events(row.start.id)), bench.journal.blob)
    refuse_secrets(record, bench.redactor)
    files = FORMATS[request.to].render(record, request.options)
    if FORMATS[request.to].is_record:
        _refuse_broken(bench, row.start.id)
    return Exported(row.start.id, request.to, files)


def _refuse_broken(bench: Workbench, run: str) -> None:
    checked = bench.journal.verify(run)
    if not checked.intact:
        raise broken(run, checked.problems[0].seq, checked.problems[0].what)


def write_export(exported: Exported, target: Path, *, force: bool = False) -> Written:
    """Put the files on disk, each whole or not at all, for their owner alone: a run holds what its tools read.

    `target` and errors are as for `write_files`.
    """
    main = exported.files[0]
    path = write_files([(file.name, file.data) for file in exported.files], target, force=force)
    return Written(exported.run, exported.format, path, len(main.data), sha256(main.data).hexdigest())
