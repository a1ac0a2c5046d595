"""What every test gets: folders of its own, a plain terminal, no keys, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Generator
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
    "COVERAGE_PROCESS_CONFIG",
    "COV_CORE_SOURCE",
    "COVERAGE_FILE",
)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a working folder and an environment that belong to this test alone. Gives the working folder."""
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
    return work


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


@pytest.fixture(scope="session")
def real_environ() -> dict[str, str]:
    """The environment as it was, for the programs that a test starts and that need this machine's own settings."""
    return dict(REAL_ENVIRON)


SKIPS_ALLOWED_IN_CI = ("only on macOS", "only on Linux", "only for ordinary users", "only for root")
"""How a skip's reason begins where nothing is missing. Any other skip is for want of a tool or a model: CI fails."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip",
        action="store_true",
        default=REAL_ENVIRON.get("CI") == "true",
        help="a skipped test fails, unless nothing is missing (default: where CI=true)",
    )


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if not report.skipped or hasattr(report, "wasxfail") or not config.getoption("--fail-on-skip"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(SKIPS_ALLOWED_IN_CI):
        report.outcome = "failed"
        report.longrepr = f"skipped, where everything must run: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report, collector.config)
    return report
