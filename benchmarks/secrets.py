"""Planted secrets, and how many are found on disk: `python -m benchmarks secrets`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.table import Row, show
from tests.fakes.planted import NO_SECRET, SECRETS, Planted, export, use_everything
from tests.fakes.scanned import forms


def rows(folder: Path) -> Iterator[Row]:
    """Runs, failures, forks, a kill, and every run in every form of export; then everything that was written."""
    planted = Planted(folder / "p")
    use_everything(planted)
    runs = planted.runs()
    export(planted, runs)
    found, size = planted.found()
    looked, _ = planted.found({"none": NO_SECRET})
    for one in found:
        print(f"{one.secret} ({one.form}): {one.where}", file=sys.stderr)
    name = f"{len(SECRETS)} secrets in {len(forms('x'))} forms, {len(planted.codes)} commands, {len(runs)} runs"
    yield Row(
        f"planted secrets found on disk: {name}",
        f"{len({one.secret for one in found})}",
        "0",
        f"{size / 1e6:.1f} MB looked at; words beside them that are no secret: found in {len(looked)} places",
        not found and bool(looked),
    )


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if a secret was found."""
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
