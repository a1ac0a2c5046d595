"""Export a run: as one file that stands for itself."""

from __future__ import annotations

import os
from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentcli.core.values import value
from agentcli.errors import AgentcliError, StorageError, UsageError, sentence
from agentcli.journal.faults import broken
from agentcli.workbench.exports.formats import FORMATS, ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord
from agentcli.workbench.exports.secrets import refuse_secrets
from agentcli.workbench.wiring import Workbench

MODE = 0o600
"""Who may read an exported file: whoever exported it. A run holds what its tools read."""


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
    """Put the files on disk, each whole or not at all, for their owner alone.

    `target` is the main file, or a folder for all of them: one that is there or, for a form of several files, a name
    without an ending. Raises UsageError E-EXPORT-EXISTS without `force`,
    E-EXPORT-TARGET where something that is no file stands there; StorageError E-EXPORT-WRITE.
    """
    main = exported.files[0]
    names_folder = _is_folder(target) or (len(exported.files) > 1 and not target.suffix)
    path = target / main.name if names_folder else target
    places = [path, *(path.parent / file.name for file in exported.files[1:])]
    for place in places:
        _check_free(place, force)
    for place, file in zip(places, exported.files, strict=True):
        if place.parent != target.parent:
            _make_folder(place.parent)
        _write(place, file.data, force)
    return Written(exported.run, exported.format, path, len(main.data), sha256(main.data).hexdigest())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long: writing it says so
        return False


def _check_free(path: Path, force: bool) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_file() or path.is_symlink():
        raise UsageError(
            "E-EXPORT-TARGET",
            f"The export cannot stand at {path}.",
            why="What is there is no ordinary file.",
            fix="Choose another path with `-o`.",
        )
    if not force:
        raise _exists(path)


def _exists(path: Path) -> UsageError:
    return UsageError(
        "E-EXPORT-EXISTS",
        f"The file is there already: {path}.",
        why="An export replaces nothing by itself.",
        fix="Choose another path with `-o`, or replace the file with `--force`.",
    )


def _make_folder(folder: Path) -> None:
    """The folder that the files stand in, or a form's further ones beside the main one."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(path: Path, data: bytes, force: bool) -> None:
    from agentcli.sandbox.atomic import write_whole

    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            write_whole(folder, path.name, data, mode=MODE, replace=force)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError | ValueError) -> AgentcliError:
    reason = error.strerror if isinstance(error, OSError) else None
    return StorageError(
        "E-EXPORT-WRITE",
        f"The export cannot be written: {path}.",
        why=sentence(reason or str(error)),
        fix="Choose a folder that is there and yours with `-o`, or free some space.",
    )
