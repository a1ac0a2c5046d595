"""The real embedded model of the tests: pulled once into this user's own cache, verified by its hash.

Fixtures for a conftest to import: `small_model` (its file), `models_dir` (its folder) and `own_models` (a folder of the
tests that holds it too, so that what is kept beside a model is not kept beside the user's).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentcli.config.places import user_places
from agentcli.providers.local.catalog import MODELS
from agentcli.providers.local.verify import verified

SMALL = MODELS["coder-0.5b"]

_PULL = """
import asyncio, sys
from pathlib import Path
from agentcli.providers.local.pull import known_model, pull
asyncio.run(pull(known_model(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture(scope="session")
def models_dir(real_environ: dict[str, str]) -> Path:
    """The folder that holds the small model. Its download runs outside, as tests may not use the network.

    Two workers at once are no harm: the second pull waits for the first.
    """
    folder = user_places(real_environ).models
    if not SMALL.path(folder).exists():
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PULL, SMALL.name, str(folder)],
            env=real_environ,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        if done.returncode:
            pytest.skip(f"{SMALL.name} cannot be pulled: {done.stderr.strip().splitlines()[-1:]}")
    verified(SMALL.path(folder), SMALL)
    return folder


@pytest.fixture(scope="session")
def small_model(models_dir: Path) -> Path:
    """The file of coder-0.5b, verified."""
    return SMALL.path(models_dir)


@pytest.fixture(scope="session")
def own_models(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with coder-0.5b in it, for AGENTCLI_MODELS_DIR."""
    folder = tmp_path_factory.mktemp("models")
    (folder / small_model.name).symlink_to(small_model)
    return folder
