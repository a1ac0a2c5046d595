"""The built wheel in an empty environment outside the tree: what people get from `pip install agentcli`."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import agentcli

REPO = Path(__file__).resolve().parents[2]
TEMPLATES = REPO / "templates"

pytestmark = pytest.mark.package


@dataclass(frozen=True)
class Installed:
    """A wheel, and the environment that holds it and what it needs, and nothing else."""

    wheel: Path
    bin: Path

    def run(self, *command: str, home: Path) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(home),
            "AGENTCLI_HOME": str(home / ".agentcli-user"),
        }
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=home,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )


def uv(environ: dict[str, str], *arguments: str | Path) -> None:
    command: Sequence[str | Path] = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    done = subprocess.run(command, cwd=REPO, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, real_environ: dict[str, str]) -> Installed:
    """The wheel, installed with the versions that the lock file names."""
    place = tmp_path_factory.mktemp("wheel")
    environ = {name: value for name, value in real_environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    uv(environ, "build", "--wheel", "--out-dir", place / "dist", REPO)
    (wheel,) = (place / "dist").glob("*.whl")
    locked = place / "constraints.txt"
    uv(environ, "export", "--frozen", "--all-extras", "--no-emit-project", "--no-hashes", "--output-file", locked)
    uv(environ, "venv", "--python", sys.executable, place / "env")
    uv(environ, "pip", "install", "--python", place / "env", "--constraint", locked, wheel)
    return Installed(wheel, place / "env" / "bin")


def test_the_wheel_holds_the_package_and_every_template(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
    templates = {f"agentcli/templates/{path.relative_to(TEMPLATES).as_posix()}" for path in kept(TEMPLATES)}
    sources = {path.relative_to(REPO).as_posix() for path in kept(REPO / "agentcli")}
    assert sources | templates <= names
    assert {name for name in names if not name.startswith(("agentcli/", f"agentcli-{agentcli.__version__}"))} == set()


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_it_starts_by_its_name_and_as_a_module(installed: Installed, isolated: Path) -> None:
    for command in (["agentcli", "--version"], ["python", "-m", "agentcli", "--version"]):
        done = installed.run(*command, home=isolated)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"agentcli {agentcli.__version__}\n", "")
    assert list(isolated.iterdir()) == []


SCRIPT = """\
replies:
  - tool_calls: [{name: read_lines, arguments: {path: README.md, start: 1, end: 1}}]
  - The answer is 42.
"""


def test_it_scaffolds_a_project_and_an_agent_works_in_it(installed: Installed, isolated: Path) -> None:
    made = installed.run("agentcli", "init", "project", home=isolated)
    assert made.returncode == 0, made.stderr
    assert (isolated / "project" / "agentcli.yaml").is_file()

    script = isolated / "script.yaml"
    script.write_text(SCRIPT)
    options = ["--project", "project", "-m", f"scripted:{script}"]
    done = installed.run("agentcli", "run", "What is the answer?", *options, home=isolated)
    assert (done.returncode, done.stdout) == (0, "The answer is 42.\n"), done.stderr
    assert "read_lines" in done.stderr

    listed = installed.run("agentcli", "runs", "list", "--json", "--project", "project", home=isolated)
    (row,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (row["kind"], row["status"], row["turns"]) == ("agent", "completed", 2)
