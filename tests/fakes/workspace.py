"""Fixtures: a workspace beside a secret, on both ways to open beneath a handle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentcli.sandbox.opening import Openat2, Opener, Walk, best_opener
from agentcli.sandbox.paths import Workspace


def kernel_opener(directory: int) -> Opener:
    found = best_opener(directory)
    if not isinstance(found, Openat2):
        pytest.skip("openat2 does not work here")
    return found


@pytest.fixture(params=[kernel_opener, lambda _directory: Walk()], ids=["openat2", "walk"])
def opener(request: pytest.FixtureRequest) -> Callable[[int], Opener]:
    """Both ways to open beneath a handle: one contract."""
    chosen: Callable[[int], Opener] = request.param
    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The workspace's folder; beside it is a secret that nothing may reach."""
    (tmp_path / "secret.txt").write_text("OUTSIDE")
    folder = tmp_path / "ws"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(root: Path, opener: Callable[[int], Opener]) -> Iterator[Workspace]:
    found = Workspace(root, opener=opener)
    yield found
    found.close()
