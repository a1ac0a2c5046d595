"""What is covered is found name by name, and no link is passed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agentcli.sandbox.processes.launcher import beneath


def test_no_link_is_passed_on_the_way_to_what_is_covered(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    assert beneath(str(tmp_path), ("link",)) == -1
    assert beneath(str(tmp_path), ("link", "deep")) == -1
    assert beneath(str(tmp_path), ("gone", "deep")) == -1
    assert beneath(str(tmp_path), ("file", "deep")) == -1
    found = beneath(str(tmp_path), ("real", "deep"))
    assert stat.S_ISDIR(os.fstat(found).st_mode)
    os.close(found)
