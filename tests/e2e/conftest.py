"""What end-to-end tests share: the small embedded model, and a real OpenAI-compatible server that runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import models_dir, own_models, small_model

__all__ = ["llama_server", "models_dir", "own_models", "small_model"]


@pytest.fixture(scope="session")
def llama_server(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL (with /v1) of llama.cpp's own OpenAI-compatible port, on a free port of this machine.

    It runs in a process of its own, so that a crash of native code fails one test and not all.
    """
    options = {"model": str(small_model), "port": 0, "context": 4096, "batch": 64, "threads": 1}
    folder = tmp_path_factory.mktemp("llama")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agentcli.providers.local.serve", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
        )
    with process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert "address" in told, told
        yield f"{told['address']}/v1"
        process.kill()
