"""A project's folder, with a pipe beside it that tells who lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    os.mkfifo(tmp_path / "alive")
    return folder
