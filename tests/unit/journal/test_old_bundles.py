"""Old bundles: every version of the format has samples that must load for good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcli.journal.bundle import VERSION
from agentcli.journal.bundle_reading import read_bundle
from tests.fakes.journals import opened
from tests.recordings.record import HERE, as_read

SAMPLES = sorted(HERE.glob("bundle-*/*.agentcli"))
RECORDED = [json.loads(line) for line in (HERE / "version-1" / "runs.jsonl").read_text().splitlines()]
"""What the samples were exported from, as it was read then."""


def test_every_older_version_has_samples() -> None:
    assert {path.parent.name for path in SAMPLES} >= {f"bundle-{version}" for version in range(1, VERSION)}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_sample_comes_in_as_it_was_recorded(sample: Path, tmp_path: Path) -> None:
    bundle = read_bundle(sample)
    assert f"bundle-{bundle.header.version}" == sample.parent.name
    with opened(tmp_path / "journal") as journal:
        tags = bundle.header.tags
        assert journal.import_run(bundle.header.run, bundle.events, bundle.header.end, bundle.contents.values(), tags)
        (read,) = json.loads(json.dumps(as_read(journal)))
    (recorded,) = (run for run in RECORDED if run["start"]["id"] == sample.stem)
    assert read == recorded
