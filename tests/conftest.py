"""What every test gets: folders of its own, a plain terminal, no keys, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REAL_ENVIRON = dict(os.environ)
"""The environment as it was before any test changed it: where the pulled models of this user are found."""

_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_START",
    "COV_CORE_SOURCE",
    "COVERAGE_FILE",
)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, a working folder and an environment that belong to this test alone. Yields the working folder."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(("PYTEST_", "HYPOTHESIS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTCLI_HOME", str(tmp_path / "agentcli-home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    work = tmp_path / "work"
    (tmp_path / "home").mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    yield work


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and isinstance(address[0], str) and not _is_loopback(address[0]):
        raise RuntimeError(f"a test tried to connect to {address[0]}: only loopback is allowed")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse_network)
