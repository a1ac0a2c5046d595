"""What the tests of settings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.configured import Configured


@pytest.fixture
def setup(tmp_path: Path) -> Configured:
    return Configured(tmp_path)
