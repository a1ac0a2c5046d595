"""Private addresses are never connected to: real sockets, real servers on them, in a network made for the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.private_network import CASES, CONTROL, NO_NAMESPACE, Case

REPO = Path(__file__).resolve().parents[2]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(scope="module")
def outcome() -> dict[str, Any]:
    """All cases in one process: what came of each, and the hits of the canaries. A proxy is set, and is one of them."""
    if sys.platform != "linux":
        pytest.skip("only on Linux")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.fakes.private_network"],
        cwd=REPO,
        env={**os.environ, **dict.fromkeys(PROXIES, "http://10.0.0.5:8080")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode == NO_NAMESPACE:
        pytest.skip("no network namespace can be made here")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_comes_to_what_it_must(outcome: dict[str, Any], case: Case) -> None:
    assert outcome["results"][case.name] == case.expected


def test_no_private_address_was_connected_to(outcome: dict[str, Any]) -> None:
    assert outcome["hits"] == {}


def test_what_the_user_opened_is_reached_and_the_canaries_do_count(outcome: dict[str, Any]) -> None:
    assert outcome["control"] == CONTROL.expected
    assert outcome["after"] == {"10.0.0.5 80": 1}
